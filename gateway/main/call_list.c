/* What is asked of many coordinators: tasks, workers, readiness. */
#include <stdio.h>

#include "api/list_json.h"
#include "api/query.h"
#include "main/calls.h"
#include "json/scan.h"
#include "main/fanout.h"

#define AWAY_FAULTS_MAX 4 /* of PROBLEM_FAULTS_MAX: whoever mends these sees the others */

#define ALL_PARTITIONS UINT64_MAX /* PARTITION_COUNT bits */

static uint64_t welcomed(const struct gateway *g)
{
    uint64_t mask = 0;
    for (int i = 0; i < g->peers.count; i++) {
        mask |= g->peers.items[i].welcomed ? 1ULL << i : 0;
    }
    return mask;
}

static void call_unavailable(struct call_state *c, const char *detail)
{
    struct problem p;
    problem_set(&p, CODE_UNAVAILABLE, "%s", detail);
    p.retry_after_s = 2;
    call_problem(c, &p);
}

void call_ask_all(struct call_state *c, struct message *m,
                  void (*done)(void *user, struct fanout *f))
{
    c->fanout = fanout_start(c->gateway, welcomed(c->gateway), m, done, c);
    if (c->fanout == NULL) {
        call_unavailable(c, "no coordinator can be reached");
    }
}

bool call_no_room(struct call_state *c, const struct fanout *f)
{
    struct problem full;
    if (!f->no_room) {
        return false;
    }
    problem_answers_full(&full);
    call_problem(c, &full); /* f is gone */
    return true;
}

/* ---- tasks ---- */

static void on_tasks(void *user, struct fanout *f)
{
    struct call_state *c = user;
    const struct message *lists[PEERS_MAX];
    size_t count;
    if (!call_owners_told(c, f, MSG_LIST, lists, &count)) {
        return;
    }
    struct buf body = {0};
    tasks_render(lists, count, c->limit, &body);
    call_answer(c, 200, buf_bytes(&body), NULL);
    buf_free(&body);
}

void call_tasks(struct call_state *c, const struct http_request *r)
{
    struct query q = {r->args, r->arg_count};
    struct arena arena = {0};
    struct problem p;
    struct message m = {.type = MSG_GET_LIST};
    if (!list_query_parse(&q, &arena, &m.get_list, &p)) {
        call_problem(c, &p);
    } else {
        c->limit = m.get_list.limit;
        call_ask_owners(c, &m, on_tasks);
    }
    arena_free(&arena);
}

/* ---- workers ---- */

static void on_workers(void *user, struct fanout *f)
{
    struct call_state *c = user;
    const struct message *lists[PEERS_MAX];
    if (call_no_room(c, f)) {
        return;
    }
    size_t count = fanout_messages(f, MSG_WORKERS, lists);
    if (count == 0) {
        call_unavailable(c, "no coordinator answered");
        return;
    }
    struct buf body = {0};
    workers_render(lists, count, &body);
    call_answer(c, 200, buf_bytes(&body), NULL);
    buf_free(&body);
}

void call_workers(struct call_state *c, const struct http_request *r)
{
    (void)r;
    struct message m = {.type = MSG_GET_WORKERS};
    call_ask_all(c, &m, on_workers);
}

/* ---- readiness ---- */

static void coordinator_put(const struct gateway *g, const struct fanout_answer *a, struct buf *out)
{
    const struct message *m = &a->message;
    bool told = a->err == ERR_OK && m->type == MSG_READY;
    buf_add_str(out, "{\"url\":");
    json_put_string(out, bytes_str(g->peers.items[a->peer].url));
    buf_addf(out, ",\"ready\":%s", told && m->ready.ready ? "true" : "false");
    if (told) {
        buf_add_str(out, ",\"storage_backend\":");
        json_put_string(out, m->ready.backend);
        buf_addf(out, ",\"partitions\":%d", __builtin_popcountll(m->ready.partitions));
    }
    if (told && m->ready.store_full.len > 0) {
        buf_add_str(out, ",\"starts_refused\":");
        json_put_string(out, m->ready.store_full);
    }
    if (told && m->ready.store_unsafe.len > 0) {
        buf_add_str(out, ",\"store_warning\":");
        json_put_string(out, m->ready.store_unsafe);
    }
    buf_add_str(out, ",\"detail\":");
    json_put_string(out, told ? m->ready.detail : BYTES_LIT("did not answer"));
    buf_add_char(out, '}');
}

static const char *why_away(const struct gateway *g, const struct peer *it)
{
    const char *why = transport_nng_dial_fault(g->transport, it->dialer);
    return why[0] != '\0' ? why : "no answer yet";
}

static bool is_away(const struct peer *it)
{
    return it->url != NULL && !it->spare && !it->welcomed;
}

/* Those that this gateway dials, and has no connection to. */
static void away_put(const struct gateway *g, struct buf *out)
{
    const char *comma = "";
    buf_add_str(out, ",\"unreachable\":[");
    for (int i = 0; i < g->peers.count; i++) {
        const struct peer *it = &g->peers.items[i];
        if (is_away(it)) {
            buf_addf(out, "%s{\"url\":", comma);
            json_put_string(out, bytes_str(it->url));
            buf_add_str(out, ",\"detail\":");
            json_put_string(out, bytes_str(why_away(g, it)));
            buf_add_char(out, '}');
            comma = ",";
        }
    }
    buf_add_char(out, ']');
}

/* Before what follows from it: as many as there is room for beside the others. */
static void away_faults(const struct gateway *g, struct problem *p)
{
    for (int i = 0; i < g->peers.count && p->fault_count < AWAY_FAULTS_MAX; i++) {
        const struct peer *it = &g->peers.items[i];
        if (is_away(it)) {
            problem_add(p, "", "coordinator %.200s cannot be reached: %s", it->url,
                        why_away(g, it));
        }
    }
}

/* Faults of those that own something, or of all where nobody does: one without partitions may be a
 * spare. */
static void ready_faults(const struct gateway *g, const struct fanout *f, struct problem *p)
{
    uint64_t covered = peers_covered(&g->peers);
    if (covered != ALL_PARTITIONS) {
        away_faults(g, p);
    }
    for (size_t i = 0; i < f->count; i++) {
        const struct fanout_answer *a = &f->answers[i];
        const char *url = g->peers.items[a->peer].url;
        if (a->err != ERR_OK || a->message.type != MSG_READY) {
            problem_add(p, "", "coordinator %s did not answer", url);
        } else if (!a->message.ready.ready) {
            struct bytes why = a->message.ready.detail;
            problem_add(p, "", "coordinator %s: %.*s", url, (int)why.len, (const char *)why.ptr);
        }
    }
    if (covered != ALL_PARTITIONS) {
        problem_add(p, "", "%d of %d partitions have an owner", __builtin_popcountll(covered),
                    PARTITION_COUNT);
    }
}

static void on_ready(void *user, struct fanout *f)
{
    struct call_state *c = user;
    struct gateway *g = c->gateway;
    struct problem p;
    problem_set(&p, CODE_UNAVAILABLE, "not ready");
    p.retry_after_s = 1;
    ready_faults(g, f, &p);
    if (p.fault_count > 0) {
        if (!c->verbose) {
            p.fault_count = 0;
        }
        call_problem(c, &p);
        return;
    }
    struct buf body = {0};
    buf_add_str(&body, "{\"status\":\"ready\"");
    if (c->verbose) {
        buf_add_str(&body, ",\"coordinators\":[");
        for (size_t i = 0; i < f->count; i++) {
            if (i > 0) {
                buf_add_char(&body, ',');
            }
            coordinator_put(g, &f->answers[i], &body);
        }
        buf_addf(&body, "],\"coordinators_configured\":%d", peers_dialled(&g->peers));
        away_put(g, &body);
    }
    buf_add_char(&body, '}');
    call_answer(c, 200, buf_bytes(&body), NULL);
    buf_free(&body);
}

static void nobody_is_there(struct call_state *c)
{
    struct problem p;
    problem_set(&p, CODE_UNAVAILABLE, "no coordinator can be reached");
    p.retry_after_s = 1;
    if (c->verbose) {
        away_faults(c->gateway, &p);
    }
    call_problem(c, &p);
}

void call_ready(struct call_state *c, const struct http_request *r)
{
    struct query q = {r->args, r->arg_count};
    struct problem p;
    if (!query_flag(&q, "verbose", &c->verbose, &p)) {
        call_problem(c, &p);
    } else if (c->verbose && c->gateway->keys.count > 0 && !c->known) {
        problem_set(&p, CODE_UNAUTHORIZED,
                    "/readyz?verbose needs an API key: Authorization: Bearer <key>; /readyz "
                    "without verbose needs none");
        call_problem(c, &p);
    } else if (c->gateway->draining) {
        call_unavailable(c, "this gateway is shutting down");
    } else {
        struct message m = {.type = MSG_GET_READY};
        if (welcomed(c->gateway) == 0) {
            nobody_is_there(c);
            return;
        }
        call_ask_all(c, &m, on_ready);
    }
}
