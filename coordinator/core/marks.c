/* Requests that a client or a gateway may repeat because their answer was lost. Each has a key;
 * what it did remembers the key and a hash of its content. A repetition is answered like the first
 * one. */
#include "core/marks.h"

#include <stdio.h>

#include "base/pack.h"
#include "core/plant.h"
#include "core/replies.h"
#include "crypto/hash.h"
#include "json/scan.h"
#include "model/limits.h"

/* Hash of the texts, concatenated. Never 0. */
static uint64_t hash_of(const struct bytes *parts, size_t count)
{
    uint64_t first = 0;
    struct sha256 hash = sha256_of_parts(parts, count);
    memcpy(&first, hash.digest, sizeof first);
    return first + (first == 0);
}

static void refuse_other(struct core *c, const struct task *t, const struct marked_ask *from,
                         const char *what)
{
    struct reply r;
    reply_begin(c, t, from->peer, from->request, &r);
    r.message->refused.state = t->state;
    r.message->refused.code = CODE_IDEMPOTENCY_MISMATCH;
    r.message->refused.detail =
        bytes_str(arena_printf(r.arena,
                               "this Idempotency-Key was used with another %s of this task; use a "
                               "new key for a new one",
                               what));
    reply_send(&r, MSG_REFUSED);
}

/* ---- signals ---- */

struct request_mark signal_mark_of(const struct signal_request *r)
{
    struct request_mark mark = {.key = r->key};
    char lead[32];
    (void)snprintf(lead, sizeof lead, "%zu ", r->name.len);
    const struct bytes parts[] = {bytes_str(lead), r->name, r->data};
    mark.hash = hash_of(parts, 3);
    return mark;
}

void signal_answer(struct core *c, const struct task *t, const struct step *s,
                   const struct marked_ask *from)
{
    struct reply r;
    reply_begin(c, t, from->peer, from->request, &r);
    r.message->signalled.task_id = arena_bytes(r.arena, t->id);
    r.message->signalled.state = t->state;
    r.message->signalled.step = arena_bytes(r.arena, bytes_str(step_def(s)->name));
    r.message->signalled.kept = rare_of(s)->signal.len > 0;
    r.message->signalled.key = from->mark.key;
    reply_send(&r, MSG_SIGNALLED);
}

bool signal_repeated(struct core *c, const struct task *t, const struct marked_ask *from)
{
    const struct step *had = NULL;
    for (uint32_t i = 0; i < t->pipeline->step_count && had == NULL; i++) {
        had = rare_of(&t->steps[i])->mark.key == from->mark.key ? &t->steps[i] : NULL;
    }
    if (had == NULL) {
        return false;
    }
    if (rare_of(had)->mark.hash == from->mark.hash || planted(PLANT_SIGNAL_UNCOMPARED)) {
        signal_answer(c, t, had, from);
        return true;
    }
    refuse_other(c, t, from, "signal");
    return true;
}

/* ---- recovers ---- */

struct request_mark recover_mark_of(const struct recover_request *r)
{
    struct request_mark mark = {.key = r->key};
    char lead[64];
    (void)snprintf(lead, sizeof lead, "%zu %zu %d ", r->from_step.len, r->checkpoint_id.len,
                   r->only_failed);
    const struct bytes parts[] = {bytes_str(lead), r->from_step, r->checkpoint_id, r->input};
    mark.hash = hash_of(parts, 4);
    return mark;
}

struct request_mark requeue_mark_of(const struct requeue_request *r)
{
    struct request_mark mark = {.key = r->key};
    const struct bytes parts[] = {BYTES_LIT("requeue "), r->step};
    mark.hash = hash_of(parts, 2);
    return mark;
}

static const struct request_mark *recover_find(const struct task *t, uint64_t key)
{
    for (uint32_t i = 0; t->recovers != NULL && i < t->recovers->count; i++) {
        if (t->recovers->marks[i].key == key) {
            return &t->recovers->marks[i];
        }
    }
    return NULL;
}

bool recover_repeated(struct core *c, const struct task *t, const struct marked_ask *from)
{
    const struct request_mark *had = recover_find(t, from->mark.key);
    if (had == NULL || planted(PLANT_RECOVER_REPEATED)) {
        return false;
    }
    if (had->hash != from->mark.hash) {
        refuse_other(c, t, from, "recover or requeue");
        return true;
    }
    struct reply r;
    reply_begin(c, t, from->peer, from->request, &r);
    r.message->done.task_id = arena_bytes(r.arena, t->id);
    r.message->done.state = TASK_RECOVERING;
    reply_send(&r, MSG_DONE);
    return true;
}

void recover_remember(struct task *t, struct request_mark mark)
{
    if (mark.key == 0) {
        return;
    }
    if (t->recovers == NULL) {
        t->recovers = mem_zalloc(sizeof *t->recovers);
    }
    struct recovers *r = t->recovers;
    if (r->count == RECOVERS_KNOWN) {
        r->count--;
        memmove(r->marks, r->marks + 1, r->count * sizeof *r->marks);
    }
    r->marks[r->count++] = mark;
}

void recovers_record_put(const struct task *t, struct buf *out)
{
    for (uint32_t i = 0; t->recovers != NULL && i < t->recovers->count; i++) {
        pack_uint(out, t->recovers->marks[i].key);
        pack_uint(out, t->recovers->marks[i].hash);
    }
}

void recovers_record_get(struct unpack *u, struct task *t)
{
    while (u->at < u->end && !u->bad) {
        struct request_mark mark = {.key = unpack_uint(u)};
        mark.hash = unpack_uint(u);
        recover_remember(t, mark);
    }
}
