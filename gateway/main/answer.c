#include <stdio.h>

#include "main/gateway.h"

void exchange_add(struct gateway *g, struct exchange *x)
{
    map_put(&g->exchanges, bytes_of(&x->id, sizeof x->id), x);
}

void exchange_remove(struct gateway *g, struct exchange *x)
{
    if (x->id != 0) {
        map_remove(&g->exchanges, bytes_of(&x->id, sizeof x->id));
        x->id = 0;
    }
}

static void count_answer(struct gateway *g, int status)
{
    int class = status / 100;
    g->answers_by_class[class >= 1 && class <= 5 ? class : 0]++;
}

void answer_json(struct gateway *g, exchange_id id, int status, struct bytes body,
                 const struct http_header *headers)
{
    struct http_head head = {.status = status, .content_type = "application/json"};
    size_t n = 0;
    while (headers != NULL && headers[n].name != NULL && n < HTTP_HEADERS_MAX - 1) {
        head.headers[n] = headers[n];
        n++;
    }
    head.headers[n] = (struct http_header){"cache-control", "no-store"};
    count_answer(g, status);
    server_answer(g->http, id, &head, body);
}

void answer_plan(struct gateway *g, exchange_id id, const struct body_plan *body)
{
    static const struct http_head head = {.status = 200,
                                          .content_type = "application/json",
                                          .headers = {{"cache-control", "no-store"}}};
    count_answer(g, head.status);
    struct buf *out = server_answer_put(g->http, id, &head, (size_t)body->total);
    if (out != NULL) {
        body_plan_write(body, BYTES_NONE, 0, out);
    }
}

void answer_problem_render(struct gateway *g, exchange_id id, const struct problem *p,
                           struct bytes request_id, struct buf *out)
{
    char made[48];
    if (request_id.len == 0) {
        (void)snprintf(made, sizeof made, "%.8s-%llx", g->peers.id + 18, (unsigned long long)id);
        request_id = bytes_str(made);
    }
    problem_render(p, request_id, out);
}

void answer_problem(struct gateway *g, exchange_id id, const struct problem *p,
                    struct bytes request_id)
{
    struct buf body = {0};
    char retry[16];
    answer_problem_render(g, id, p, request_id, &body);
    struct http_head head = {.status = problem_status(p), .content_type = PROBLEM_TYPE};
    size_t n = 0;
    head.headers[n++] = (struct http_header){"cache-control", "no-store"};
    if (p->retry_after_s > 0) {
        (void)snprintf(retry, sizeof retry, "%u", p->retry_after_s);
        head.headers[n++] = (struct http_header){"retry-after", retry};
    }
    if (p->allow != NULL) {
        head.headers[n++] = (struct http_header){"allow", p->allow};
    }
    if (p->code == CODE_UNAUTHORIZED) {
        head.headers[n++] = (struct http_header){"www-authenticate", "Bearer realm=\"marathon\""};
    }
    count_answer(g, head.status);
    server_answer(g->http, id, &head, buf_bytes(&body));
    buf_free(&body);
}

void answer_empty(struct gateway *g, exchange_id id, int status, const char *etag)
{
    struct http_head head = {.status = status};
    if (etag != NULL) {
        head.headers[0] = (struct http_header){"etag", etag};
    }
    count_answer(g, status);
    server_answer(g->http, id, &head, BYTES_NONE);
}

/* Of requests that were sent: reads, too, come here. */
#define DOUBT                                                                                      \
    "; if the request was to change something, it is unknown whether that was done: look at the "  \
    "task's status, or repeat the request with the same Idempotency-Key"

void problem_from_reply(struct problem *p, const struct reply *reply, struct bytes task_id)
{
    if (reply->err == ERR_OK && reply->message->type == MSG_REFUSED) {
        problem_from_refusal(p, reply->message, task_id);
    } else if (reply->err == ERR_OK) {
        problem_set(p, CODE_INTERNAL, "a coordinator gave an answer of the wrong kind (%s)",
                    message_type_name(reply->message->type));
    } else if (reply->err == ERR_FULL) {
        problem_answers_full(p);
    } else if (reply->err == ERR_UNKNOWN) {
        problem_set(p, CODE_TIMEOUT, "no answer came in time" DOUBT);
    } else {
        problem_set(
            p, CODE_UNAVAILABLE,
            "no coordinator that owns this task can be reached (/readyz?verbose says more)%s",
            reply->resent ? DOUBT : "");
        p->retry_after_s = 2;
    }
}

size_t answers_bytes(const void *gateway)
{
    const struct gateway *g = gateway;
    return g->snapshot_bytes + g->stream_bytes + g->fanout_bytes + g->batch_bytes +
           server_counts(g->http).waiting_bytes;
}

void problem_answers_full(struct problem *p)
{
    problem_set(p, CODE_OVERLOADED,
                "answers that clients have not read yet fill this gateway's memory (%u MiB): try "
                "again in a second",
                ANSWERS_BYTES_MAX >> 20);
    p->retry_after_s = 1;
}

bool answers_full(struct gateway *g, size_t more, struct problem *ret_problem)
{
    if (answers_bytes(g) + more <= ANSWERS_BYTES_MAX) {
        return false;
    }
    g->answers_refused_total++;
    problem_answers_full(ret_problem);
    return true;
}

void problem_full(struct problem *p)
{
    problem_set(p, CODE_OVERLOADED,
                "too many requests wait in this gateway for coordinators: try again in a second");
    p->retry_after_s = 1;
}
