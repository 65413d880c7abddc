#include "api/list_json.h"

#include <inttypes.h>
#include <stdlib.h>

#include "api/pages.h"
#include "api/status_json.h"
#include "json/scan.h"
#include "model/label.h"
#include "model/limits.h"

bool list_query_parse(const struct query *q, struct arena *arena, struct list_request *ret_request,
                      struct problem *ret_problem)
{
    struct list_request r = {.state = -1, .limit = LIST_LIMIT_DEFAULT};
    struct bytes text;
    if (query_get(q, "status", &text) && text.len > 0) {
        enum task_state state;
        if (task_state_parse(text, &state) != ERR_OK) {
            return query_fault(ret_problem, "status", TASK_STATES_TEXT);
        }
        r.state = (int32_t)state;
    }
    if (query_get(q, "task_type", &text)) {
        r.task_type = text;
    }
    if (!page_query_parse(q, LIST_PAGE_MAX, arena, &r, ret_problem)) {
        return false;
    }
    *ret_request = r;
    return true;
}

static void summary_put(const struct task_summary *s, struct buf *out)
{
    buf_add_str(out, "{\"task_id\":");
    json_put_string(out, s->task_id);
    json_put_member_or_null(out, "task_type", s->task_type);
    json_put_member_or_null(out, "session_id", s->session_id);
    json_put_member(out, "status", bytes_str(task_state_name(s->state)));
    buf_add_str(out, ",\"progress\":");
    json_put_number(out, s->progress);
    buf_addf(out, ",\"steps_completed\":%u,\"total_steps\":%u", s->steps_completed, s->step_count);
    json_put_member_or_null(out, "current_step_name", s->current_step);
    json_put_time(out, "created_at", s->created_at);
    json_put_time(out, "started_at", s->started_at);
    json_put_time(out, "completed_at", s->completed_at);
    json_put_member_or_null(out, "error", s->error);
    buf_add_char(out, '}');
}

static uint32_t summary_count(const struct message *m)
{
    return m->list.count;
}

static struct place summary_place(const struct message *m, uint32_t index)
{
    return (struct place){m->list.items[index].created_at, m->list.items[index].task_id};
}

static struct place summaries_end(const struct message *m)
{
    return (struct place){m->list.next_before, m->list.next_before_id};
}

static const struct page_kind summaries = {summary_count, summary_place, summaries_end};

void tasks_render(const struct message *const *replies, size_t count, uint32_t limit,
                  struct buf *out)
{
    struct pages p = pages_merge(&summaries, replies, count, limit);
    const char *comma = "";
    size_t reply;
    uint32_t index;
    buf_add_str(out, "{\"items\":[");
    while (pages_next(&p, &reply, &index)) {
        buf_add_str(out, comma);
        summary_put(&replies[reply]->list.items[index], out);
        comma = ",";
    }
    buf_add_char(out, ']');
    page_cursor_put(out, pages_end(&p));
    buf_add_char(out, '}');
}

static void labels_of_worker_put(const struct worker_view *w, struct buf *out)
{
    struct buf labels = {0};
    for (uint32_t i = 0; i < w->label_count; i++) {
        buf_add_str(&labels, i > 0 ? "," : "");
        buf_add_bytes(&labels, w->labels[i]);
    }
    labels_put_json(out, buf_bytes(&labels));
    buf_free(&labels);
}

static void worker_put(const struct worker_view *w, struct buf *out)
{
    buf_add_str(out, "{\"worker_id\":");
    json_put_string(out, w->worker_id);
    json_put_member(out, "host", w->host);
    buf_addf(out, ",\"pid\":%u", w->pid);
    json_put_member_or_null(out, "version", w->software);
    buf_add_str(out, ",\"functions\":[");
    for (uint32_t i = 0; i < w->function_count; i++) {
        if (i > 0) {
            buf_add_char(out, ',');
        }
        json_put_string(out, w->functions[i]);
    }
    buf_add_str(out, "],\"labels\":");
    labels_of_worker_put(w, out);
    buf_addf(out, ",\"slots\":%u,\"busy\":%u", w->slots, w->busy < w->slots ? w->busy : w->slots);
    json_put_time(out, "last_heard_at", w->last_heard_at);
    json_put_member(out, "state", w->state);
    buf_add_char(out, '}');
}

static bool listed_before(const struct message *const *replies, size_t reply, struct bytes id)
{
    for (size_t i = 0; i < reply; i++) {
        for (uint32_t k = 0; k < replies[i]->workers.count; k++) {
            if (bytes_eq(replies[i]->workers.items[k].worker_id, id)) {
                return true;
            }
        }
    }
    return false;
}

/* Order of states that coordinators report: draining wins over ready (the worker tells everyone),
 * and silent counts only if no coordinator hears it. */
static int state_rank(struct bytes state)
{
    return bytes_is(state, "draining") ? 2 : bytes_is(state, "silent") ? 0 : 1;
}

static void worker_merge(const struct message *const *replies, size_t count,
                         const struct worker_view *w, struct buf *out)
{
    struct worker_view all = *w;
    all.busy = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < replies[i]->workers.count; k++) {
            const struct worker_view *o = &replies[i]->workers.items[k];
            if (!bytes_eq(o->worker_id, w->worker_id)) {
                continue;
            }
            all.busy += o->busy;
            if (o->last_heard_at > all.last_heard_at) {
                all.last_heard_at = o->last_heard_at;
            }
            if (state_rank(o->state) > state_rank(all.state)) {
                all.state = o->state;
            }
            if (all.software.len == 0) {
                all.software = o->software;
            }
        }
    }
    worker_put(&all, out);
}

/* Steps that wait for such a worker, summed over all coordinators; 0 if an earlier reply has named
 * it already. */
static uint64_t waiting_sum(const struct message *const *replies, size_t count, size_t reply,
                            const struct waiting_view *v)
{
    uint64_t steps = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < replies[i]->workers.waiting_count; k++) {
            const struct waiting_view *o = &replies[i]->workers.waiting[k];
            if (bytes_eq(o->function, v->function) && bytes_eq(o->requires, v->requires)) {
                if (i < reply) {
                    return 0;
                }
                steps += o->steps;
            }
        }
    }
    return steps;
}

static void waiting_put(const struct message *const *replies, size_t count, struct buf *out)
{
    const char *comma = "";
    buf_add_str(out, ",\"waiting\":[");
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < replies[i]->workers.waiting_count; k++) {
            const struct waiting_view *v = &replies[i]->workers.waiting[k];
            uint64_t steps = waiting_sum(replies, count, i, v);
            if (steps == 0) {
                continue;
            }
            buf_addf(out, "%s{\"function\":", comma);
            json_put_string(out, v->function);
            buf_add_str(out, ",\"requires\":");
            labels_put_json(out, v->requires);
            buf_addf(out, ",\"steps\":%" PRIu64 "}", steps);
            comma = ",";
        }
    }
    buf_add_char(out, ']');
}

void workers_render(const struct message *const *replies, size_t count, struct buf *out)
{
    bool first = true;
    buf_add_str(out, "{\"items\":[");
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < replies[i]->workers.count; k++) {
            const struct worker_view *w = &replies[i]->workers.items[k];
            if (listed_before(replies, i, w->worker_id)) {
                continue;
            }
            if (!first) {
                buf_add_char(out, ',');
            }
            first = false;
            worker_merge(replies, count, w, out);
        }
    }
    buf_add_char(out, ']');
    waiting_put(replies, count, out);
    buf_add_char(out, '}');
}

static void pipeline_put(const struct pipeline_view *p, struct buf *out)
{
    buf_add_str(out, "{\"name\":");
    json_put_string(out, p->name);
    json_put_member(out, "description", p->description);
    buf_addf(out, ",\"version\":%u,\"step_count\":%u", p->version, p->step_count);
    json_put_member(out, "hash", p->hash);
}

void pipelines_render(const struct message *reply, struct buf *out)
{
    buf_add_str(out, "{\"items\":[");
    for (uint32_t i = 0; i < reply->pipelines.count; i++) {
        if (i > 0) {
            buf_add_char(out, ',');
        }
        pipeline_put(&reply->pipelines.items[i], out);
        buf_add_char(out, '}');
    }
    buf_add_str(out, "]}");
}

bool pipeline_render(const struct message *reply, struct buf *out)
{
    if (reply->pipelines.count == 0) {
        return false;
    }
    const struct pipeline_view *p = &reply->pipelines.items[0];
    struct bytes source;
    if (json_check(p->source, &source, NULL) != ERR_OK || json_kind_of(source) != JSON_OBJECT) {
        return false;
    }
    pipeline_put(p, out);
    struct bytes key, member;
    for (struct json_walk w = json_walk(source); json_next(&w, &key, &member);) {
        if (!bytes_is(key, "name") && !bytes_is(key, "description")) {
            buf_add_str(out, ",\"");
            buf_add_bytes(out, key);
            buf_add_str(out, "\":");
            buf_add_bytes(out, member);
        }
    }
    buf_add_char(out, '}');
    return true;
}
