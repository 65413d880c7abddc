/* Applies rows to store_memory: the same checks in the same order as marathon.lua. */
#include "store/memory_store.h"

#include <stdlib.h>

/* ---- owners ---- */

static bool same_fence(const struct fence *a, const struct fence *b)
{
    return a->epoch == b->epoch && memcmp(a->nonce, b->nonce, NONCE_BYTES) == 0;
}

static bool in_force(const struct memory_store *s, const struct store_row *row)
{
    const struct owner_record *o = &s->owners[row->partition].record;
    return o->exists && o->owner.len > 0 && same_fence(&o->fence, &row->fence);
}

static void set_owner(struct memory_owner *o, struct bytes name)
{
    free(o->name);
    o->name = mem_str_bytes(name);
    o->record.owner = bytes_of(o->name, name.len);
    o->record.beat++;
}

static enum store_verdict claim(struct memory_store *s, const struct store_row *row)
{
    struct memory_owner *o = &s->owners[row->partition];
    bool as_seen = row->claim_absent
                       ? !o->record.exists
                       : o->record.exists && same_fence(&o->record.fence, &row->fence);
    if (!as_seen) {
        return STORE_FENCED;
    }
    o->record.exists = true;
    o->record.fence = row->claim;
    o->record.wished = false;
    set_owner(o, row->owner);
    return STORE_OK;
}

static enum store_verdict renew(struct memory_store *s, const struct store_row *row)
{
    if (!in_force(s, row)) {
        return STORE_FENCED;
    }
    s->owners[row->partition].record.beat++;
    return STORE_OK;
}

static enum store_verdict release(struct memory_store *s, const struct store_row *row)
{
    if (!in_force(s, row)) {
        return STORE_FENCED;
    }
    set_owner(&s->owners[row->partition], BYTES_NONE);
    return STORE_OK;
}

static enum store_verdict wish(struct memory_store *s, const struct store_row *row)
{
    struct owner_record *o = &s->owners[row->partition].record;
    if (!in_force(s, row)) {
        return STORE_FENCED;
    }
    o->wished = true;
    memcpy(o->wish, row->claim.nonce, NONCE_BYTES);
    return STORE_OK;
}

/* ---- tasks ---- */

static void set(struct buf *b, struct bytes value)
{
    buf_clear(b);
    buf_add_bytes(b, value);
}

static bool events_follow(const struct store_row *row, uint64_t last)
{
    for (uint32_t i = 0; i < row->event_count; i++) {
        if (row->events[i].seq <= last) {
            return false;
        }
        last = row->events[i].seq;
    }
    return true;
}

static bool has_doc(const struct store_row *row)
{
    return row->doc[0].len + row->doc[1].len + row->doc[2].len > 0;
}

/* Replaces the document, or overwrites it from doc_offset on; what lies beyond stays. items: used
 * instead of doc[1] if the row has doc_items. */
static void put_doc(struct memory_task *t, const struct store_row *row, struct bytes items)
{
    if (!has_doc(row)) {
        return;
    }
    if (row->doc_whole) {
        buf_clear(&t->doc);
    }
    size_t at = row->doc_whole ? 0 : (size_t)row->doc_offset;
    for (int i = 0; i < 3; i++) {
        struct bytes part = i == 1 && row->doc_items != 0 ? items : row->doc[i];
        if (at + part.len > t->doc.len) {
            buf_extend(&t->doc, at + part.len - t->doc.len);
        }
        if (part.len > 0) {
            memcpy(t->doc.ptr + at, part.ptr, part.len);
        }
        at += part.len;
    }
    if (t->doc.len > t->doc_bytes || row->doc_whole) {
        t->doc_bytes = t->doc.len; /* the length before LIFE_END removes trailing spaces */
    }
}

static void put_change(struct memory_task *t, const struct store_row *row, struct bytes items)
{
    set(&t->head, row->head);
    for (uint32_t i = 0; i < row->items_count; i++) {
        memory_items_change(t, &row->items[i]);
    }
    for (uint32_t i = 0; i < row->step_count; i++) {
        memory_task_put_step(t, &row->steps[i]);
    }
    for (uint32_t i = 0; i < row->event_count; i++) {
        memory_task_put_event(t, &row->events[i]);
    }
    put_doc(t, row, items);
    if (row->error_doc.len > 0) {
        set(&t->error, row->error_doc);
    } else if (row->error_clear) {
        buf_clear(&t->error);
    }
}

static mono_ms seconds_from_now(const struct memory_store *s, uint32_t seconds)
{
    return memory_now(s) + (seconds > 0 ? seconds : 1) * (mono_ms)1000;
}

static void end_life(struct memory_store *s, struct memory_task *t, const struct store_row *row)
{
    t->ended = true;
    t->expires_at = seconds_from_now(s, row->ttl_s);
    set(&t->dead, row->dead);
    t->dead_at = row->dead_at;
    while (t->doc.len > 0 && t->doc.ptr[t->doc.len - 1] == ' ') {
        t->doc.len--;
    }
    struct memory_idem *idem = memory_idem_find(s, t->idem);
    if (idem != NULL) {
        idem->expires_at = seconds_from_now(s, t->idem_ttl_s);
    }
}

static void revive(struct memory_store *s, struct memory_task *t)
{
    t->ended = false;
    t->expires_at = NEVER_MS;
    buf_clear(&t->dead);
    struct memory_idem *idem = memory_idem_find(s, t->idem);
    if (idem != NULL) {
        idem->expires_at = NEVER_MS;
    }
}

static enum store_verdict update(struct memory_store *s, const struct store_row *row)
{
    if (!in_force(s, row)) {
        return STORE_FENCED;
    }
    struct memory_task *t = memory_task_find(s, row->task_id);
    if (t == NULL) {
        return row->life == LIFE_REVIVE ? STORE_GONE : STORE_VERSION;
    }
    if (t->version != row->version) {
        bool again = t->version == row->version + 1 && bytes_eq(buf_bytes(&t->head), row->head);
        return again ? STORE_OK : STORE_VERSION;
    }
    bool patches = has_doc(row) && !row->doc_whole;
    if (t->last_seq != row->stored_seq || t->doc_bytes != row->stored_doc_bytes ||
        !events_follow(row, t->last_seq) || (patches && t->doc_bytes < row->doc_offset)) {
        return STORE_VERSION;
    }
    struct buf items = {0};
    if (row->doc_items != 0) {
        memory_items_array(t, row, &items);
        if (items.len != row->doc_items_bytes) {
            buf_free(&items);
            return STORE_VERSION;
        }
    }
    t->version++;
    memory_usage_add(s, row);
    put_change(t, row, buf_bytes(&items));
    buf_free(&items);
    if (row->input.len > 0) {
        set(&t->input, row->input);
    }
    if (row->life == LIFE_END) {
        end_life(s, t, row);
    } else if (row->life == LIFE_REVIVE) {
        revive(s, t);
    }
    return STORE_OK;
}

/* The key of an idempotency record: the partition, then the client's key. */
static struct bytes idem_key(const struct store_row *row, uint8_t space[1 + SHA256_BYTES])
{
    size_t len = row->idempotency_key.len;
    if (len == 0 || len > SHA256_BYTES) {
        return BYTES_NONE;
    }
    space[0] = row->partition;
    memcpy(space + 1, row->idempotency_key.ptr, len);
    return bytes_of(space, len + 1);
}

static void keep_idem(struct memory_store *s, struct memory_task *t, const struct store_row *row,
                      struct bytes key)
{
    struct memory_idem *idem = memory_idem_add(s, key);
    idem->body_hash = arena_bytes(&idem->arena, row->body_hash);
    idem->task_id = arena_bytes(&idem->arena, row->task_id);
    if (row->idempotency_brief) {
        idem->expires_at = seconds_from_now(s, row->idempotency_ttl_s);
        return;
    }
    uint8_t *copy = mem_alloc(key.len);
    memcpy(copy, key.ptr, key.len);
    t->idem = bytes_of(copy, key.len);
    t->idem_ttl_s = row->idempotency_ttl_s;
}

static enum store_verdict admit(struct memory_store *s, const struct store_row *row,
                                struct store_written *written)
{
    if (!in_force(s, row)) {
        return STORE_FENCED;
    }
    uint8_t space[1 + SHA256_BYTES];
    struct bytes key = idem_key(row, space);
    struct memory_idem *seen = key.len > 0 ? memory_idem_find(s, key) : NULL;
    if (seen != NULL) {
        written->task_id = seen->task_id;
        return bytes_eq(seen->body_hash, row->body_hash) ? STORE_REPLAY : STORE_MISMATCH;
    }
    struct memory_task *old = memory_task_find(s, row->task_id);
    if (old != NULL && !old->ended) {
        return STORE_EXISTS;
    }
    if (!events_follow(row, 0) || row->only_replay) {
        return STORE_VERSION;
    }
    uint32_t run = 1;
    if (old != NULL) {
        run = old->run + 1;
        memory_task_free(s, old);
    }
    struct memory_task *t = memory_task_add(s, row->task_id);
    t->version = 1;
    t->run = written->run = run;
    t->created_at = row->created_at;
    set(&t->spec, row->spec);
    set(&t->input, row->input);
    if (key.len > 0) {
        keep_idem(s, t, row, key);
    }
    put_change(t, row, BYTES_NONE);
    return STORE_OK;
}

void memory_apply(struct memory_store *s, const struct store_row *row,
                  struct store_written *ret_written)
{
    *ret_written = (struct store_written){.write_id = row->write_id, .verdict = STORE_FENCED};
    switch (row->kind) {
    case ROW_CLAIM:
        ret_written->verdict = claim(s, row);
        return;
    case ROW_RENEW:
        ret_written->verdict = renew(s, row);
        return;
    case ROW_RELEASE:
        ret_written->verdict = release(s, row);
        return;
    case ROW_WISH:
        ret_written->verdict = wish(s, row);
        return;
    case ROW_ADMIT:
        ret_written->verdict = admit(s, row, ret_written);
        return;
    case ROW_UPDATE:
        ret_written->verdict = update(s, row);
        return;
    case ROW_UNLIST: /* the index is the tasks themselves, so that it cannot have stale entries */
        ret_written->verdict = in_force(s, row) ? STORE_OK : STORE_FENCED;
        return;
    }
}
