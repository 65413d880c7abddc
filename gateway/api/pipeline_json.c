#include "api/pipeline_json.h"

#include "api/status_json.h"
#include "json/scan.h"
#include "model/limits.h"

/* Copies the members of the outermost object, except those that only our answers have. */
static void put_members(const struct json_index *x, struct bytes name, struct buf *out)
{
    buf_reserve(out, x->nodes[0].value.len + name.len + sizeof "{\"name\":\"\",}");
    buf_add_char(out, '{');
    if (name.len > 0) {
        buf_addf(out, "\"name\":\"%.*s\"", (int)name.len, (const char *)name.ptr);
    }
    for (uint32_t i = 1; i < x->nodes[0].next; i = x->nodes[i].next) {
        struct bytes key = x->nodes[i].key;
        if (!bytes_is(key, "version") && !bytes_is(key, "step_count") && !bytes_is(key, "hash")) {
            buf_add_str(out, out->ptr[out->len - 1] == '{' ? "\"" : ",\"");
            buf_add_bytes(out, key);
            buf_add_str(out, "\":");
            buf_add_bytes(out, x->nodes[i].value);
        }
    }
    buf_add_char(out, '}');
}

static bool take_pipeline(const struct json_index *x, struct bytes name, bool *ret_nameless,
                          struct buf *out, struct problem *ret_problem)
{
    static const char *const keys[] = {"name"};
    struct bytes value = x->nodes[0].value, own = BYTES_NONE;
    bool check = name.len == 0;
    if (check && json_kind_of(value) == JSON_ARRAY) {
        buf_add_bytes(out, value);
        return true;
    }
    if (json_kind_of(value) != JSON_OBJECT) {
        problem_set(ret_problem, CODE_INVALID_PIPELINE,
                    "the body must be a pipeline: {\"description\": ..., \"steps\": [...]}");
        problem_add(ret_problem, "", "must be an object");
        return false;
    }
    json_index_members(x, keys, 1, &own);
    *ret_nameless = check && own.len == 0;
    put_members(x, own.len > 0 ? BYTES_NONE : check ? BYTES_LIT("nameless") : name, out);
    return true;
}

bool pipeline_body_parse(struct bytes body, struct bytes name, bool *ret_nameless, struct buf *out,
                         struct problem *ret_problem)
{
    struct json_index index = {0};
    struct json_fault fault;
    *ret_nameless = false;
    bool good = json_check_index(body, 1, &index, &fault) == ERR_OK;
    if (good) {
        good = take_pipeline(&index, name, ret_nameless, out, ret_problem);
    } else {
        problem_set(ret_problem, CODE_INVALID_JSON, "the body is not valid JSON: %s", fault.reason);
    }
    json_index_free(&index);
    return good;
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
        return query_fault(ret_problem, "cursor", "the next_cursor of an earlier answer");
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
