#include <stdlib.h>

#include "core/account.h"
#include "core/fan.h"
#include "core/plant.h"
#include "core/record.h"
#include "core/storage.h"
#include "core/task.h"

/* Flags of what only some steps' records have. */
#define STEP_FANS      1u
#define STEP_SIGNALLED 2u /* a signal, with its mark */
#define STEP_LOGGED    4u /* an item that is done: a step's log is in its history */

void record_put_step(const struct step *s, struct slices *text)
{
    const struct step_rare *x = rare_of(s);
    struct buf *out = &text->own;
    struct lenders own = {.items = &x->checkpoint, .count = x->checkpoint != NULL};
    pack_uint(out, RECORD_FORMAT);
    pack_uint(out, s->state == STEP_RUNNING ? STEP_PENDING : s->state);
    pack_uint(out, s->generation);
    pack_uint(out, s->failures);
    pack_uint(out, s->deaths);
    pack_uint(out, s->deliveries);
    pack_uint(out, s->order);
    pack_uint(out, s->duration_ms);
    pack_uint(out, s->result_offset);
    pack_uint(out, s->result_len);
    pack_int(out, s->started_at);
    pack_int(out, s->completed_at);
    pack_int(out, x->retry_at);
    pack_uint(out, x->error_code);
    pack_bytes(out, bytes_str(x->error));
    pack_bytes_lent(text, shared_bytes(x->checkpoint), &own);
    pack_int(out, x->wait_until);
    pack_bytes(out, x->signal);
    pack_uint(out, x->mark.key);
    pack_bytes(out, bytes_str(x->function_code));
    pack_int(out, x->spent_ms);
    pack_uint(out, x->exhausted);
    pack_int(out, x->wait_ms);
    pack_int(out, x->saved_at);
    bool logged = x->log != NULL && s->item != ITEM_NONE && s->state == STEP_COMPLETED;
    pack_uint(out, (x->fan != NULL ? STEP_FANS : 0u) | (x->mark.hash != 0 ? STEP_SIGNALLED : 0u) |
                       (logged ? STEP_LOGGED : 0u));
    if (x->fan != NULL) {
        fan_put(x->fan, out);
    }
    if (x->mark.hash != 0) {
        pack_uint(out, x->mark.hash);
    }
    static const struct account unused;
    if (x->account != NULL || logged) { /* most steps have used nothing, and store nothing */
        account_put(x->account != NULL ? x->account : &unused, out);
    }
    if (logged) { /* the release before takes what is here for usage, and looks no further */
        pack_bytes(out, bytes_str(x->log));
    }
}

static bool rare_none(const struct step_rare *x)
{
    return x->error_code == CODE_NONE && x->error == NULL && x->function_code == NULL &&
           x->retry_at == 0 && x->wait_ms == 0 && x->spent_ms == 0 && !x->exhausted &&
           x->checkpoint == NULL && x->saved_at == 0 && x->wait_until == 0 && x->signal.len == 0 &&
           x->mark.key == 0 && x->fan == NULL && x->account == NULL && x->log == NULL;
}

#define RARE_NUMBERS 13u /* numbers of struct step_rare; each is one byte 0 where it is 0 */

/* Are they all 0, as for most steps? Then no struct step_rare is allocated. */
static bool rare_absent(const struct unpack *u)
{
    static const uint8_t nothing[RARE_NUMBERS];
    return !u->bad && u->end - u->at == sizeof nothing &&
           memcmp(u->at, nothing, sizeof nothing) == 0;
}

static void get_rare(struct unpack *u, struct step *s)
{
    struct step_rare *x = rare_make(s);
    x->retry_at = unpack_int(u);
    x->error_code = unpack_enum(u, CODE_COUNT);
    x->error = unpack_str(u);
    struct bytes checkpoint = unpack_bytes(u);
    step_set_checkpoint(s, checkpoint);
    x->wait_until = unpack_int(u);
    struct bytes signal = unpack_bytes(u);
    step_set_signal(s, signal, (struct request_mark){.key = unpack_uint(u)});
    x->function_code = unpack_str(u);
    x->spent_ms = unpack_int(u);
    x->exhausted = unpack_uint(u) != 0;
    x->wait_ms = unpack_int(u);
    step_load_saved(s, unpack_int(u));
    uint64_t has = unpack_uint(u);
    if ((has & STEP_FANS) != 0 && s->item == ITEM_NONE) {
        x->fan = fan_get(u);
    }
    if ((has & STEP_SIGNALLED) != 0) {
        x->mark.hash = unpack_uint(u);
    }
    if (u->at < u->end && !u->bad) {
        x->account = account_get(u);
    }
    if ((has & STEP_LOGGED) != 0) {
        x->log = unpack_str(u);
    }
}

enum err record_get_step(struct bytes blob, struct step *s)
{
    struct unpack u = record_open(blob);
    s->state = (enum step_state)unpack_enum(&u, STEP_STATE_COUNT);
    s->generation = unpack_u32(&u);
    s->failures = unpack_u32(&u);
    s->deaths = unpack_u32(&u);
    s->deliveries = unpack_u32(&u);
    s->order = unpack_u32(&u);
    s->duration_ms = unpack_u32(&u);
    s->result_offset = unpack_u32(&u);
    s->result_len = unpack_u32(&u);
    s->started_at = unpack_int(&u);
    s->completed_at = unpack_int(&u);
    if (s->rare != NULL) { /* the same step twice */
        return ERR_INVALID;
    }
    if (rare_absent(&u)) {
        return ERR_OK;
    }
    get_rare(&u, s);
    if (rare_none(s->rare)) {
        step_rare_drop(s);
    }
    return u.bad ? ERR_INVALID : ERR_OK;
}

/* ---- items of a fan-out ---- */

void record_put_item(const struct step *item, struct slices *out)
{
    static const char marks[STEP_STATE_COUNT] = {
        [STEP_PENDING] = ITEM_BEGUN,     [STEP_RUNNING] = ITEM_BEGUN,
        [STEP_COMPLETED] = ITEM_DONE,    [STEP_FAILED] = ITEM_FAILED,
        [STEP_SKIPPED] = ITEM_CANCELLED, [STEP_CANCELLED] = ITEM_CANCELLED,
    };
    buf_add_char(&out->own, marks[item->state]);
    record_put_step(item, out);
}

enum err record_get_item(struct bytes blob, struct step *item)
{
    return blob.len < 1 ? ERR_INVALID : record_get_step(bytes_part(blob, 1, blob.len), item);
}

enum err record_get_items(const struct stored_items *stored, struct step *s)
{
    struct fan *f = rare_of(s)->fan;
    if (f == NULL || f->marks != NULL || stored->marks.len != f->count) {
        return ERR_INVALID;
    }
    uint32_t counts[256] = {0};
    f->marks = mem_alloc(f->count + 1);
    for (uint32_t i = 0; i < f->count; i++) {
        uint8_t mark = stored->marks.ptr[i];
        counts[mark]++;
        f->marks[i] = mark == ITEM_BEGUN ? ITEM_WAITING : mark; /* fan_open makes it begun */
    }
    if (counts[ITEM_DONE] != f->done || counts[ITEM_FAILED] != f->failed) {
        return ERR_INVALID;
    }
    for (uint32_t i = 0; planted(PLANT_ITEM_RUNS_AGAIN) && i < f->count; i++) {
        f->done -= f->marks[i] == ITEM_DONE;
        f->marks[i] = f->marks[i] == ITEM_DONE ? ITEM_WAITING : f->marks[i];
    }
    for (uint32_t i = 0; i < stored->begun_count; i++) {
        const struct stored_item *from = &stored->begun[i];
        struct step *item = fan_open(s, from->item);
        if (item == NULL || record_get_item(from->blob, item) != ERR_OK ||
            from->blob.ptr[0] != ITEM_BEGUN) {
            return ERR_INVALID;
        }
    }
    return ERR_OK;
}
