/* The rows: each is checked completely, then applied. */
#include "store_model.h"

#include <stdlib.h>

static bool planted_ignore_fence, planted_ttl_on_live, planted_dead_kept;

void store_model_plant(bool ignore_fence, bool ttl_on_live, bool dead_kept)
{
    planted_ignore_fence = ignore_fence;
    planted_ttl_on_live = ttl_on_live;
    planted_dead_kept = dead_kept;
}

static void set(struct buf *b, struct bytes s)
{
    buf_clear(b);
    buf_add_bytes(b, s);
}

static void events_clear(struct stored_task *t)
{
    for (size_t i = 0; i < t->event_count; i++) {
        buf_free(&t->events[i].blob);
    }
    t->event_count = 0;
}

static void steps_clear(struct stored_task *t)
{
    for (uint32_t i = 0; i < t->step_count; i++) {
        buf_free(&t->steps[i]);
    }
    free(t->steps);
    t->steps = NULL;
    t->step_count = 0;
}

static void task_free(struct stored_task *t)
{
    events_clear(t);
    steps_clear(t);
    fans_clear(t);
    free(t->events);
    buf_free(&t->spec);
    buf_free(&t->head);
    buf_free(&t->input);
    buf_free(&t->doc);
    buf_free(&t->error);
    buf_free(&t->dead);
    bytes_free(t->id);
    free(t);
}

void store_model_free(struct store_model *m)
{
    for (size_t i = 0; i < m->task_count; i++) {
        task_free(m->tasks[i]);
    }
    void *value = NULL;
    for (size_t i = 0; map_next(&m->keys, &i, &value);) {
        struct stored_key *k = value;
        buf_free(&k->task_id);
        free(k);
    }
    for (int i = 0; i < PARTITION_COUNT; i++) {
        buf_free(&m->owners[i].owner);
    }
    store_model_free_pipelines(m);
    limit_book_free(&m->limits);
    free(m->tasks);
    map_free(&m->by_id);
    map_free(&m->keys);
    *m = (struct store_model){0};
}

struct stored_task *store_model_find(struct store_model *m, struct bytes task_id, mono_ms now)
{
    struct stored_task *t = map_get(&m->by_id, task_id);
    if (t == NULL || t->expires_at > now) {
        return t;
    }
    map_remove(&m->by_id, t->id);
    size_t at = 0;
    while (m->tasks[at] != t) {
        at++;
    }
    memmove(&m->tasks[at], &m->tasks[at + 1], (m->task_count - at - 1) * sizeof(m->tasks[0]));
    m->task_count--;
    task_free(t);
    return NULL;
}

static bool fence_in_force(const struct store_model *m, const struct store_row *row)
{
    const struct stored_owner *o = &m->owners[row->partition];
    return planted_ignore_fence ||
           (o->exists && o->owner.len > 0 && o->fence.epoch == row->fence.epoch &&
            memcmp(o->fence.nonce, row->fence.nonce, NONCE_BYTES) == 0);
}

static enum store_verdict claim(struct store_model *m, const struct store_row *row)
{
    struct stored_owner *o = &m->owners[row->partition];
    bool seen = row->claim_absent ? !o->exists
                                  : o->exists && o->fence.epoch == row->fence.epoch &&
                                        memcmp(o->fence.nonce, row->fence.nonce, NONCE_BYTES) == 0;
    if (!seen) {
        return STORE_FENCED;
    }
    o->exists = true;
    o->fence = row->claim;
    o->wished = false;
    o->beat++;
    set(&o->owner, row->owner);
    return STORE_OK;
}

static bool events_follow(const struct stored_task *t, const struct store_row *row)
{
    uint64_t last = t != NULL && t->event_count > 0 ? t->events[t->event_count - 1].seq : 0;
    for (uint32_t i = 0; i < row->event_count; i++) {
        if (row->events[i].seq <= last) {
            return false;
        }
        last = row->events[i].seq;
    }
    return true;
}

static void put_doc(struct stored_task *t, const struct store_row *row, struct bytes array)
{
    if (row->doc[0].len + row->doc[1].len + row->doc[2].len == 0) {
        return;
    }
    if (row->doc_whole) {
        buf_clear(&t->doc);
    }
    uint64_t at = row->doc_whole ? 0 : row->doc_offset;
    for (int i = 0; i < 3; i++) {
        struct bytes part = i == 1 && row->doc_items != 0 ? array : row->doc[i];
        if (at + part.len > t->doc.len) {
            buf_extend(&t->doc, (size_t)(at + part.len - t->doc.len));
        }
        if (part.len > 0) {
            memcpy(t->doc.ptr + at, part.ptr, part.len);
        }
        at += part.len;
    }
    if (t->doc.len > t->doc_bytes || row->doc_whole) {
        t->doc_bytes = t->doc.len; /* trimming at the end of its life removes spaces later */
    }
}

static void put_common(struct stored_task *t, const struct store_row *row, struct bytes array)
{
    set(&t->head, row->head);
    for (uint32_t i = 0; i < row->step_count; i++) {
        uint32_t index = row->steps[i].index;
        if (index >= t->step_count) {
            t->steps = mem_resize(t->steps, (index + 1) * sizeof *t->steps);
            memset(&t->steps[t->step_count], 0, (index + 1 - t->step_count) * sizeof *t->steps);
            t->step_count = index + 1;
        }
        set(&t->steps[index], row->steps[i].blob.whole);
    }
    for (uint32_t i = 0; i < row->event_count; i++) {
        MEM_GROW(t->events, t->event_count, t->event_cap);
        struct stored_event *e = &t->events[t->event_count++];
        *e = (struct stored_event){.seq = row->events[i].seq};
        set(&e->blob, row->events[i].blob.whole);
    }
    fans_change(t, row);
    put_doc(t, row, array);
    if (row->error_clear) {
        buf_clear(&t->error);
    } else if (row->error_doc.len > 0) {
        set(&t->error, row->error_doc);
    }
}

/* The key expires with the task that has it: at its end, or again after its new life. */
static void key_expires(struct store_model *m, const struct stored_task *t, mono_ms at)
{
    struct stored_key *k =
        t->keyed && !t->key_brief
            ? map_get(&m->keys, bytes_of(t->idempotency_key, sizeof t->idempotency_key))
            : NULL;
    if (k != NULL) {
        k->expires_at = at;
    }
}

static enum store_verdict update(struct store_model *m, const struct store_row *row, mono_ms now)
{
    struct stored_task *t = store_model_find(m, row->task_id, now);
    if (!fence_in_force(m, row)) {
        return STORE_FENCED;
    }
    if (t == NULL) {
        return row->life == LIFE_REVIVE ? STORE_GONE : STORE_VERSION;
    }
    if (t->version != row->version) {
        bool replay = t->version == row->version + 1 && bytes_eq(buf_bytes(&t->head), row->head);
        return replay ? STORE_OK : STORE_VERSION;
    }
    bool has_doc = row->doc[0].len + row->doc[1].len + row->doc[2].len > 0;
    uint64_t seq = t->event_count > 0 ? t->events[t->event_count - 1].seq : 0;
    if (seq != row->stored_seq || t->doc_bytes != row->stored_doc_bytes) {
        return STORE_VERSION;
    }
    if (!events_follow(t, row) || (has_doc && !row->doc_whole && t->doc.len < row->doc_offset)) {
        return STORE_VERSION;
    }
    struct buf array = {0};
    if (row->doc_items != 0) {
        fans_array(t, row, &array);
        if (array.len != row->doc_items_bytes) {
            buf_free(&array);
            return STORE_VERSION;
        }
    }
    put_common(t, row, buf_bytes(&array));
    buf_free(&array);
    t->version++;
    if (row->input.len > 0) {
        set(&t->input, row->input);
    }
    if (row->life == LIFE_END) {
        t->ended = true;
        t->stray = t->meddled = false;
        t->expires_at = now + (mono_ms)row->ttl_s * 1000;
        set(&t->dead, row->dead);
        t->dead_at = row->dead_at;
        while (t->doc.len > 0 && t->doc.ptr[t->doc.len - 1] == ' ') {
            t->doc.len--;
        }
        key_expires(m, t, now + (mono_ms)t->idempotency_ttl_s * 1000);
    } else if (row->life == LIFE_REVIVE) {
        t->ended = false;
        if (!planted_dead_kept) {
            buf_clear(&t->dead);
        }
        t->unlisted = t->stray = t->meddled = false;
        if (!planted_ttl_on_live) {
            t->expires_at = NEVER_MS;
        }
        key_expires(m, t, NEVER_MS);
    }
    return STORE_OK;
}

static enum store_verdict unlist(struct store_model *m, const struct store_row *row, mono_ms now)
{
    if (!fence_in_force(m, row)) {
        return STORE_FENCED;
    }
    struct stored_task *t = store_model_find(m, row->task_id, now);
    if (t != NULL && t->ended) {
        t->stray = false;
    }
    return STORE_OK;
}

static struct stored_task *task_for_admission(struct store_model *m, const struct store_row *row,
                                              mono_ms now)
{
    struct stored_task *t = store_model_find(m, row->task_id, now);
    if (t == NULL) {
        t = mem_zalloc(sizeof *t);
        t->id = bytes_of(mem_str_bytes(row->task_id), row->task_id.len);
        MEM_GROW(m->tasks, m->task_count, m->task_cap);
        m->tasks[m->task_count++] = t;
        map_put(&m->by_id, t->id, t);
    }
    events_clear(t);
    steps_clear(t);
    fans_clear(t);
    buf_clear(&t->error);
    buf_clear(&t->dead);
    return t;
}

static struct stored_key *find_key(struct store_model *m, struct bytes key, mono_ms now)
{
    struct stored_key *k = key.len > 0 ? map_get(&m->keys, key) : NULL;
    if (k != NULL && k->expires_at <= now) {
        map_remove(&m->keys, key);
        buf_free(&k->task_id);
        free(k);
        return NULL;
    }
    return k;
}

static void put_key(struct store_model *m, struct stored_task *t, const struct store_row *row,
                    mono_ms now)
{
    t->keyed = row->idempotency_key.len == sizeof t->idempotency_key;
    t->key_brief = row->idempotency_brief;
    if (!t->keyed) {
        return;
    }
    struct stored_key *k = mem_zalloc(sizeof *k);
    memcpy(t->idempotency_key, row->idempotency_key.ptr, sizeof t->idempotency_key);
    memcpy(k->key, row->idempotency_key.ptr, sizeof k->key);
    memcpy(k->body_hash, row->body_hash.ptr, sizeof k->body_hash);
    set(&k->task_id, row->task_id);
    k->expires_at = t->key_brief ? now + (mono_ms)row->idempotency_ttl_s * 1000 : NEVER_MS;
    map_put(&m->keys, bytes_of(k->key, sizeof k->key), k);
}

static enum store_verdict admit(struct store_model *m, const struct store_row *row, mono_ms now,
                                struct store_written *w, struct arena *arena)
{
    if (!fence_in_force(m, row)) {
        return STORE_FENCED;
    }
    const struct stored_key *k = find_key(m, row->idempotency_key, now);
    if (k != NULL) {
        w->task_id = arena_bytes(arena, buf_bytes(&k->task_id));
        bool same = bytes_eq(bytes_of(k->body_hash, sizeof k->body_hash), row->body_hash);
        return same ? STORE_REPLAY : STORE_MISMATCH;
    }
    struct stored_task *t = store_model_find(m, row->task_id, now);
    if (t != NULL && !t->ended) {
        return STORE_EXISTS;
    }
    if (row->only_replay) {
        return STORE_VERSION;
    }
    if (m->full) {
        return STORE_FULL;
    }
    t = task_for_admission(m, row, now);
    t->run++;
    t->version = 1;
    t->ended = t->unlisted = t->stray = t->meddled = false;
    t->expires_at = NEVER_MS;
    t->created_at = row->created_at;
    t->idempotency_ttl_s = row->idempotency_ttl_s;
    set(&t->spec, row->spec);
    set(&t->input, row->input);
    put_common(t, row, BYTES_NONE);
    put_key(m, t, row, now);
    w->run = t->run;
    return STORE_OK;
}

struct store_written store_model_write(struct store_model *m, const struct store_row *row,
                                       mono_ms now, struct arena *arena)
{
    struct store_written w = {.write_id = row->write_id};
    struct stored_owner *o = &m->owners[row->partition];
    switch (row->kind) {
    case ROW_CLAIM:
        w.verdict = claim(m, row);
        break;
    case ROW_RENEW:
        w.verdict = fence_in_force(m, row) ? STORE_OK : STORE_FENCED;
        o->beat += w.verdict == STORE_OK;
        break;
    case ROW_RELEASE:
        w.verdict = fence_in_force(m, row) ? STORE_OK : STORE_FENCED;
        if (w.verdict == STORE_OK) {
            o->beat++;
            buf_clear(&o->owner);
        }
        break;
    case ROW_WISH:
        w.verdict = fence_in_force(m, row) ? STORE_OK : STORE_FENCED;
        if (w.verdict == STORE_OK) {
            o->wished = true;
            memcpy(o->wish, row->claim.nonce, NONCE_BYTES);
        }
        break;
    case ROW_ADMIT:
        w.verdict = admit(m, row, now, &w, arena);
        break;
    case ROW_UPDATE:
        w.verdict = update(m, row, now);
        break;
    case ROW_UNLIST:
        w.verdict = unlist(m, row, now);
        break;
    }
    return w;
}
