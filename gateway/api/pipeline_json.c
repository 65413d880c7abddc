#include "api/pipeline_json.h"

#include "api/status_json.h"
#include "json/scan.h"
#include "model/limits.h"

bool pipeline_body_parse(struct bytes body, struct bytes name, struct buf *out,
                         struct problem *ret_problem)
{
    struct bytes value;
    struct json_fault fault;
    if (json_check(body, &value, &fault) != ERR_OK) {
        problem_set(ret_problem, CODE_INVALID_JSON, "the body is not valid JSON: %s", fault.reason);
        return false;
    }
    if (json_kind_of(value) != JSON_OBJECT) {
        problem_set(ret_problem, CODE_INVALID_PIPELINE,
                    "the body must be a pipeline: {\"description\": ..., \"steps\": [...]}");
        problem_add(ret_problem, "", "must be an object");
        return false;
    }
    struct bytes key, member;
    buf_add_char(out, '{');
    if (json_member(value, "name").len == 0) {
        buf_addf(out, "\"name\":\"%.*s\"", (int)name.len, (const char *)name.ptr);
    }
    for (struct json_walk w = json_walk(value); json_next(&w, &key, &member);) {
        if (!bytes_is(key, "version") && !bytes_is(key, "step_count") && !bytes_is(key, "hash")) {
            buf_addf(out, "%s\"", out->ptr[out->len - 1] == '{' ? "" : ",");
            buf_add_bytes(out, key);
            buf_add_str(out, "\":");
            buf_add_bytes(out, member);
        }
    }
    buf_add_char(out, '}');
    return true;
}

bool versions_query_parse(const struct query *q, struct versions_request *ret_request,
                          struct problem *ret_problem)
{
    uint64_t limit = VERSIONS_LIMIT_DEFAULT, before = 0;
    struct bytes text;
    if (!query_limit(q, VERSIONS_PAGE_MAX, &limit, ret_problem)) {
        return false;
    }
    if (query_get(q, "cursor", &text) && text.len > 0 &&
        (!number_parse(text, PIPELINE_VERSIONS_MAX, &before) || before == 0)) {
        return query_fault(ret_problem, "cursor", "a next_cursor of an earlier answer");
    }
    *ret_request = (struct versions_request){.before = (uint32_t)before, .limit = (uint32_t)limit};
    return true;
}

void versions_render(const struct message *reply, struct buf *out)
{
    buf_add_str(out, "{\"items\":[");
    for (uint32_t i = 0; i < reply->versions.count; i++) {
        const struct version_view *v = &reply->versions.items[i];
        buf_addf(out, "%s{\"version\":%u", i > 0 ? "," : "", v->version);
        json_put_member(out, "hash", v->hash);
        json_put_time(out, "published_at", v->at);
        json_put_member_or_null(out, "published_by", v->by);
        buf_add_char(out, '}');
    }
    if (reply->versions.next > 0) {
        buf_addf(out, "],\"next_cursor\":\"%u\"}", reply->versions.next);
    } else {
        buf_add_str(out, "],\"next_cursor\":null}");
    }
}

void stored_render(const struct message *reply, bool check_only, struct buf *out)
{
    buf_add_str(out, check_only ? "{\"valid\":true,\"name\":" : "{\"name\":");
    if (reply->stored.name.len > 0) {
        json_put_string(out, reply->stored.name);
    } else {
        buf_add_str(out, "null");
    }
    if (!check_only) {
        buf_addf(out, ",\"version\":%u,\"created\":%s", reply->stored.version,
                 reply->stored.created ? "true" : "false");
    }
    buf_addf(out, ",\"step_count\":%u", reply->stored.step_count);
    json_put_member(out, "hash", reply->stored.hash);
    buf_add_char(out, '}');
}
