/* Pipelines: what there is, storing one, checking one, the list of versions.
 *
 * A PUT is answered when the new version is stored and every coordinator that is connected has read
 * it: a start that follows the answer, through whichever gateway, runs that version. */
#include <stdio.h>

#include "api/list_json.h"
#include "api/pipeline_json.h"
#include "json/scan.h"
#include "main/calls.h"
#include "main/fanout.h"
#include "model/limits.h"

#define PIPELINES_URL "/api/v1/marathon/pipelines/"

/* lender: in which the definition lies; NULL: it has none. */
static void send_any(struct call_state *c, struct message *m, struct shared *lender, reply_fn *fn)
{
    struct target any = {TARGET_ANY, 0, PEER_ANY};
    c->request =
        requests_send_lent(&c->gateway->requests, any, (struct lent_message){m, lender}, fn, c);
    if (c->request == 0) {
        struct problem p;
        problem_full(&p);
        call_problem(c, &p);
    }
}

static bool replied(struct call_state *c, const struct reply *reply, enum message_type type)
{
    struct problem p;
    c->request = 0;
    if (reply->err == ERR_OK && reply->message->type == type) {
        return true;
    }
    problem_from_reply(&p, reply, BYTES_NONE);
    call_problem(c, &p);
    return false;
}

/* ---- reading ---- */

static void on_pipelines(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    struct problem p;
    if (!replied(c, reply, MSG_PIPELINES)) {
        return;
    }
    struct buf body = {0};
    if (c->call == CALL_PIPELINES) {
        pipelines_render(reply->message, &body);
    } else if (!pipeline_render(reply->message, &body)) {
        problem_set(&p, CODE_PIPELINE_NOT_FOUND, "there is no pipeline %s", c->task_id);
        call_problem(c, &p);
        buf_free(&body);
        return;
    }
    call_answer(c, 200, buf_bytes(&body), NULL);
    buf_free(&body);
}

void call_pipelines(struct call_state *c, const struct http_request *r)
{
    struct query q = {r->args, r->arg_count};
    struct problem p;
    struct bytes text;
    uint64_t version = 0;
    if (c->call == CALL_PIPELINE && query_get(&q, "version", &text) &&
        (!number_parse(text, PIPELINE_VERSIONS_MAX, &version) || version == 0)) {
        char wanted[48];
        (void)snprintf(wanted, sizeof wanted, "a whole number from 1 to %u", PIPELINE_VERSIONS_MAX);
        (void)query_fault(&p, "version", wanted);
        call_problem(c, &p);
        return;
    }
    struct message m = {.type = MSG_GET_PIPELINES};
    m.get_pipelines.name = bytes_str(c->task_id);
    m.get_pipelines.version = (uint32_t)version;
    send_any(c, &m, NULL, on_pipelines);
}

static void on_versions(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    if (replied(c, reply, MSG_VERSIONS)) {
        struct buf body = {0};
        versions_render(reply->message, &body);
        call_answer(c, 200, buf_bytes(&body), NULL);
        buf_free(&body);
    }
}

void call_pipeline_versions(struct call_state *c, const struct http_request *r)
{
    struct query q = {r->args, r->arg_count};
    struct problem p;
    struct message m = {.type = MSG_GET_VERSIONS};
    if (!versions_query_parse(&q, &m.get_versions, &p)) {
        call_problem(c, &p);
        return;
    }
    m.get_versions.name = bytes_str(c->task_id);
    send_any(c, &m, NULL, on_versions);
}

/* ---- storing and checking ---- */

/* Whether one has not answered changes nothing: it is silent to us, and looks by itself within half
 * a second of hearing the store. */
static void on_known(void *user, struct fanout *f)
{
    struct call_state *c = user;
    char url[sizeof PIPELINES_URL + sizeof c->task_id];
    (void)f;
    (void)snprintf(url, sizeof url, PIPELINES_URL "%s", c->task_id);
    call_answer(c, c->created ? 201 : 200, buf_bytes(&c->body), c->created ? url : NULL);
}

static void on_stored(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    bool check_only = c->call == CALL_PIPELINE_CHECK;
    if (!replied(c, reply, MSG_PIPELINE_STORED)) {
        return;
    }
    struct message stored = *reply->message;
    if (c->nameless) {
        stored.stored.name = BYTES_NONE;
    }
    stored_render(&stored, check_only, &c->body);
    c->created = reply->message->stored.created;
    if (check_only) {
        call_answer(c, 200, buf_bytes(&c->body), NULL);
        return;
    }
    struct message m = {.type = MSG_GET_PIPELINES};
    m.get_pipelines.name = bytes_str(c->task_id);
    m.get_pipelines.version = reply->message->stored.version;
    m.get_pipelines.brief = true;
    call_ask_all(c, &m, on_known);
}

void call_pipeline_put(struct call_state *c, const struct http_request *r)
{
    struct problem p;
    struct buf source = {0};
    struct message m = {.type = MSG_PUT_PIPELINE};
    if (!call_body_taken(c, r, true)) {
        return;
    }
    struct bytes name = bytes_str(c->task_id); /* in the path of a PUT; none of a check */
    if (!pipeline_body_parse(r->body, name, &c->nameless, &source, &p)) {
        call_problem(c, &p);
        buf_free(&source);
        return;
    }
    struct shared *text = shared_take(&source);
    m.put_pipeline.name = name;
    m.put_pipeline.source = shared_bytes(text);
    m.put_pipeline.by = bytes_str(c->credential);
    m.put_pipeline.check_only = c->call == CALL_PIPELINE_CHECK;
    send_any(c, &m, text, on_stored);
    shared_drop(text);
}
