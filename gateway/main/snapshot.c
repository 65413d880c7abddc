#include "main/snapshot.h"

#include <stdlib.h>

#include "model/limits.h"
#include "wire/frame.h"

#define PARTS_MAX (RESULTS_HELD_BYTES_MAX / DOC_PART_BYTES_MAX + 1)
#define TRIES_MAX 5 /* the document was written anew while it was read */

struct snapshot_part {
    struct snapshot_load *load;
    wire_id request;
    uint64_t offset; /* in the results */
    uint32_t len;
};

struct snapshot_load {
    struct gateway *gateway;
    char task_id[ID_BYTES_MAX + 1];
    bool results;
    snapshot_fn *fn;
    void *user;
    wire_id status_request;
    struct snapshot *snapshot; /* whose results are being read */
    struct snapshot_part parts[PARTS_MAX];
    unsigned waiting; /* parts */
    unsigned tries;
};

static void snapshot_count(struct snapshot *s, size_t bytes)
{
    s->counted += bytes;
    s->gateway->snapshot_bytes += bytes;
}

/* The message as it came, in the buffers of peers, is taken over: its frame by a copy, its lists
 * with their arena. */
static void message_keep(struct snapshot *s)
{
    struct arena *arena = &s->gateway->peers.arena;
    buf_add_bytes(&s->frame, s->lent);
    frame_move(&s->message, s->lent, s->frame.ptr);
    s->arena = *arena;
    *arena = (struct arena){0};
    snapshot_count(s, s->frame.len + s->arena.used_bytes);
}

static void doc_keep(struct snapshot *s)
{
    buf_add_bytes(&s->results, s->doc);
    snapshot_count(s, s->doc.len);
    s->doc = buf_bytes(&s->results);
}

static void snapshot_keep(struct snapshot *s)
{
    if (s->lent.len > 0 && s->frame.len == 0) {
        message_keep(s);
    } else if (s->lent.len > 0) {
        doc_keep(s);
    }
    s->lent = BYTES_NONE;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    snapshot_keep(s);
    s->refs++;
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    if (s == NULL || --s->refs > 0) {
        return;
    }
    s->gateway->snapshot_bytes -= s->counted;
    buf_free(&s->frame);
    buf_free(&s->results);
    arena_free(&s->arena);
    free(s);
}

/* For as long as the call of a reply lasts. */
static struct snapshot *snapshot_of(struct gateway *g, const struct reply *reply)
{
    struct snapshot *s = mem_zalloc(sizeof *s);
    s->gateway = g;
    s->refs = 1;
    s->message = *reply->message;
    s->lent = reply->frame;
    s->view = &s->message.status;
    return s;
}

static void load_drop(struct snapshot_load *l)
{
    requests_drop(&l->gateway->requests, l->status_request);
    l->status_request = 0;
    for (size_t i = 0; i < PARTS_MAX; i++) {
        requests_drop(&l->gateway->requests, l->parts[i].request);
        l->parts[i].request = 0;
    }
    l->waiting = 0;
    snapshot_unref(l->snapshot);
    l->snapshot = NULL;
}

void snapshot_load_stop(struct snapshot_load *l)
{
    if (l != NULL) {
        load_drop(l);
        free(l);
    }
}

static void load_fail(struct snapshot_load *l, const struct problem *why)
{
    snapshot_fn *fn = l->fn;
    void *user = l->user;
    snapshot_load_stop(l);
    fn(user, NULL, why);
}

static void load_done(struct snapshot_load *l)
{
    struct snapshot *s = l->snapshot;
    snapshot_fn *fn = l->fn;
    void *user = l->user;
    l->snapshot = NULL;
    snapshot_load_stop(l);
    fn(user, s, NULL);
}

static bool status_ask(struct snapshot_load *l);

static void status_again(struct snapshot_load *l)
{
    struct problem p;
    load_drop(l);
    if (++l->tries >= TRIES_MAX) {
        problem_set(&p, CODE_UNAVAILABLE, "the task's results change faster than they can be read");
        p.retry_after_s = 1;
        load_fail(l, &p);
    } else if (!status_ask(l)) {
        problem_full(&p);
        load_fail(l, &p);
    }
}

/* A document of one part is shown where it came. */
static void part_take(struct snapshot_load *l, const struct snapshot_part *part,
                      const struct reply *reply)
{
    struct snapshot *s = l->snapshot;
    struct bytes data = reply->message->doc.data;
    if (s->results.len > 0) {
        memcpy(s->results.ptr + part->offset, data.ptr, part->len);
        snapshot_count(s, part->len);
        s->doc = buf_bytes(&s->results);
    } else {
        s->doc = data;
        s->lent = reply->frame;
    }
    if (--l->waiting == 0) {
        s->held = true;
        load_done(l);
    }
}

static void on_part(void *user, const struct reply *reply)
{
    struct snapshot_part *part = user;
    struct snapshot_load *l = part->load;
    part->request = 0;
    bool read = reply->err == ERR_OK && reply->message->type == MSG_DOC;
    bool changed = reply->err == ERR_OK && reply->message->type == MSG_REFUSED &&
                   reply->message->refused.code == CODE_TASK_NOT_FOUND;
    if (changed || (read && reply->message->doc.data.len != part->len)) {
        status_again(l);
    } else if (!read) {
        struct problem p;
        problem_from_reply(&p, reply, bytes_str(l->task_id));
        load_fail(l, &p);
    } else {
        part_take(l, part, reply);
    }
}

static bool part_ask(struct snapshot_load *l, struct snapshot_part *part)
{
    const struct task_view *v = l->snapshot->view;
    struct message m = {.type = MSG_GET_DOC};
    m.get_doc = (struct doc_request){.task_id = v->task_id,
                                     .run = v->run,
                                     .revision = v->doc_revision,
                                     .offset = RESULTS_OFFSET + part->offset,
                                     .len = part->len};
    part->load = l;
    part->request = requests_send(&l->gateway->requests, target_of(v->task_id), &m, on_part, part);
    return part->request != 0;
}

static void results_ask(struct snapshot_load *l)
{
    uint64_t size = l->snapshot->view->results_bytes - 1; /* without the closing brace */
    snapshot_keep(l->snapshot);
    if (size > DOC_PART_BYTES_MAX) {
        buf_extend(&l->snapshot->results, (size_t)size);
    }
    for (uint64_t at = 0; at < size; at += DOC_PART_BYTES_MAX) {
        struct snapshot_part *part = &l->parts[l->waiting];
        uint64_t left = size - at;
        part->offset = at;
        part->len = (uint32_t)(left < DOC_PART_BYTES_MAX ? left : DOC_PART_BYTES_MAX);
        if (!part_ask(l, part)) {
            struct problem p;
            problem_full(&p);
            load_fail(l, &p);
            return;
        }
        l->waiting++;
    }
}

static void on_status(void *user, const struct reply *reply)
{
    struct snapshot_load *l = user;
    l->status_request = 0;
    if (reply->err != ERR_OK || reply->message->type != MSG_STATUS) {
        struct problem p;
        problem_from_reply(&p, reply, bytes_str(l->task_id));
        load_fail(l, &p);
        return;
    }
    l->snapshot = snapshot_of(l->gateway, reply);
    uint64_t size = l->snapshot->view->results_bytes;
    if (l->results && size > 2 && size <= RESULTS_HELD_BYTES_MAX &&
        l->gateway->snapshot_bytes + size <= SNAPSHOTS_HELD_BYTES_MAX) {
        results_ask(l);
    } else {
        load_done(l);
    }
}

static bool status_ask(struct snapshot_load *l)
{
    struct message m = {.type = MSG_GET_STATUS};
    m.task.task_id = bytes_str(l->task_id);
    l->status_request =
        requests_send(&l->gateway->requests, target_of(m.task.task_id), &m, on_status, l);
    return l->status_request != 0;
}

struct snapshot_load *snapshot_load_start(struct gateway *g, struct bytes task_id,
                                          struct snapshot_ask ask, struct problem *ret_why)
{
    if (answers_full(g, 0, ret_why)) {
        return NULL;
    }
    struct snapshot_load *l = mem_zalloc(sizeof *l);
    l->gateway = g;
    l->results = ask.results;
    l->fn = ask.fn;
    l->user = ask.user;
    memcpy(l->task_id, task_id.ptr, task_id.len);
    if (!status_ask(l)) {
        problem_full(ret_why);
        free(l);
        return NULL;
    }
    return l;
}
