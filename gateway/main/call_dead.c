/* Dead letters: their list, merged over all coordinators; the requeue of one, and of a page of
 * them. */
#include <stdio.h>
#include <stdlib.h>

#include "api/dead_json.h"
#include "json/scan.h"
#include "main/calls.h"
#include "main/fanout.h"

static void ask_all(struct call_state *c, const struct http_request *r,
                    void (*done)(void *user, struct fanout *f))
{
    const struct query q = {r->args, r->arg_count};
    struct arena arena = {0};
    struct problem p;
    struct message m = {.type = MSG_GET_DEAD};
    if (!dead_query_parse(&q, &arena, &m.get_list, &p)) {
        call_problem(c, &p);
    } else {
        c->limit = m.get_list.limit;
        call_ask_owners(c, &m, done);
    }
    arena_free(&arena);
}

/* The merged page; false after a problem. It borrows from the fanout. */
static bool page_of(struct call_state *c, const struct fanout *f, struct dead_page *ret_page)
{
    const struct message *lists[PEERS_MAX];
    size_t count;
    if (!call_owners_told(c, f, MSG_DEAD, lists, &count)) {
        return false;
    }
    dead_page_merge(lists, count, c->limit, ret_page);
    return true;
}

static void on_page(void *user, struct fanout *f)
{
    struct call_state *c = user;
    struct dead_page page;
    if (!page_of(c, f, &page)) {
        return;
    }
    struct buf body = {0};
    dead_page_render(&page, &body);
    call_answer(c, 200, buf_bytes(&body), NULL);
    buf_free(&body);
}

void call_dead_letters(struct call_state *c, const struct http_request *r)
{
    ask_all(c, r, on_page);
}

/* ---- one ---- */

/* Sent twice by us, it may find what its own first sending has done at one that knows no keys yet.
 */
static bool requeued(const struct reply *reply)
{
    if (reply->err != ERR_OK) {
        return false;
    }
    const struct message *m = reply->message;
    bool before = reply->resent && m->type == MSG_REFUSED &&
                  m->refused.code == CODE_NOT_A_DEAD_LETTER &&
                  (m->refused.state == TASK_RECOVERING || m->refused.state == TASK_RUNNING);
    return m->type == MSG_DONE || before;
}

static void on_requeued(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    struct problem p;
    c->request = 0;
    if (!requeued(reply)) {
        problem_from_reply(&p, reply, bytes_str(c->task_id));
        call_problem(c, &p);
        return;
    }
    call_answer_id(c, 202, "recovering");
}

/* What stands in a body would be passed over: nobody shall believe that it counted. */
static bool body_none(struct call_state *c, const struct http_request *r, const char *instead)
{
    struct problem p;
    struct bytes first, value;
    struct json_walk w = json_walk(r->body);
    if (r->body.len == 0 ||
        (json_kind_of(r->body) == JSON_OBJECT && !json_next(&w, &first, &value))) {
        return true;
    }
    problem_set(&p, CODE_INVALID_FIELD, "this call takes no body%s", instead);
    problem_add(&p, "", "must be empty");
    call_problem(c, &p);
    return false;
}

void call_requeue(struct call_state *c, const struct http_request *r)
{
    if (!body_none(c, r, ": the task and the step are in the path")) {
        return;
    }
    struct message m = {.type = MSG_REQUEUE};
    m.requeue.task_id = bytes_str(c->task_id);
    m.requeue.step = bytes_str(c->step);
    m.requeue.key = call_key(c->gateway, r);
    c->request =
        requests_send(&c->gateway->requests, target_of(m.requeue.task_id), &m, on_requeued, c);
    if (c->request == 0) {
        struct problem p;
        problem_full(&p);
        call_problem(c, &p);
    }
}

/* ---- a page of them ---- */

struct requeue_one {
    struct requeue_all *all;
    char task_id[ID_BYTES_MAX + 1];
    uint32_t step;
    wire_id request;
};

struct requeue_all {
    struct call_state *call;
    struct requeue_one items[DEAD_PAGE_MAX]; /* on their way at once: a page's worth */
    uint32_t count, waiting, done;
    struct buf failed;
    struct place next; /* its id is next_id */
    char next_id[ID_BYTES_MAX + 1];
};

void requeue_all_stop(struct requeue_all *all)
{
    if (all == NULL) {
        return;
    }
    for (uint32_t i = 0; i < all->count; i++) {
        requests_drop(&all->call->gateway->requests, all->items[i].request);
    }
    buf_free(&all->failed);
    free(all);
}

static void requeue_all_answer(struct requeue_all *all)
{
    struct buf body = {0};
    buf_addf(&body, "{\"requeued\":%u,\"failed\":[", all->done);
    buf_add_bytes(&body, buf_bytes(&all->failed));
    buf_add_char(&body, ']');
    page_cursor_put(&body, all->next);
    buf_add_char(&body, '}');
    call_answer(all->call, 200, buf_bytes(&body), NULL);
    buf_free(&body);
}

static void requeue_failed(struct requeue_all *all, const struct requeue_one *one,
                           const struct problem *why)
{
    if (all->failed.len > 0) {
        buf_add_char(&all->failed, ',');
    }
    dead_failure_put(&all->failed, bytes_str(one->task_id), one->step, why);
}

static void on_one_requeued(void *user, const struct reply *reply)
{
    struct requeue_one *one = user;
    struct requeue_all *all = one->all;
    one->request = 0;
    if (requeued(reply)) {
        all->done++;
    } else {
        struct problem p;
        problem_from_reply(&p, reply, bytes_str(one->task_id));
        requeue_failed(all, one, &p);
    }
    if (--all->waiting == 0) {
        requeue_all_answer(all);
    }
}

static void requeue_one(struct requeue_all *all, const struct dead_letter *d)
{
    struct requeue_one *one = &all->items[all->count++];
    char step[32];
    *one = (struct requeue_one){.all = all, .step = d->step};
    memcpy(one->task_id, d->task_id.ptr,
           d->task_id.len < ID_BYTES_MAX ? d->task_id.len : ID_BYTES_MAX);
    (void)snprintf(step, sizeof step, "step_%u", d->step);
    struct message m = {.type = MSG_REQUEUE};
    m.requeue.task_id = bytes_str(one->task_id);
    m.requeue.step = bytes_str(step);
    m.requeue.key = call_fresh_key(all->call->gateway);
    struct requests *requests = &all->call->gateway->requests;
    one->request = requests_send(requests, target_of(m.requeue.task_id), &m, on_one_requeued, one);
    if (one->request != 0) {
        all->waiting++;
        return;
    }
    struct problem p;
    problem_full(&p);
    requeue_failed(all, one, &p);
}

static void on_page_to_requeue(void *user, struct fanout *f)
{
    struct call_state *c = user;
    struct dead_page page;
    if (!page_of(c, f, &page)) {
        return;
    }
    struct requeue_all *all = mem_zalloc(sizeof *all);
    all->call = c;
    if (page.next.id.len > 0 && page.next.id.len <= ID_BYTES_MAX) {
        memcpy(all->next_id, page.next.id.ptr, page.next.id.len);
        all->next = (struct place){page.next.at, bytes_str(all->next_id)};
    }
    c->requeue = all;
    for (uint32_t i = 0; i < page.count; i++) {
        requeue_one(all, page.items[i]); /* answers never come from within */
    }
    if (all->waiting == 0) {
        requeue_all_answer(all);
    }
}

void call_requeue_all(struct call_state *c, const struct http_request *r)
{
    if (!body_none(c, r, ": limit and cursor are query parameters")) {
        return;
    }
    ask_all(c, r, on_page_to_requeue);
}
