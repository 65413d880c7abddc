#include "mortals.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "store/redis_names.h"

static void forget(struct redis_server *server, enum redis_key key, struct bytes task_id,
                   struct bytes id)
{
    static const struct redis_names names = {0};
    struct buf name = {0};
    redis_name(&names, key, id_partition(task_id), id, &name);
    (void)raw(server, "DEL %b", name.ptr, name.len);
    buf_free(&name);
}

static void expire(struct redis_server *server, const struct mortal *dead)
{
    static const enum redis_key keys[] = {KEY_DOC, KEY_ERROR, KEY_TASK, KEY_ITEMS};
    struct bytes id = buf_bytes(&dead->task_id);
    if (dead->key.len > 0) {
        forget(server, KEY_IDEM, id, buf_bytes(&dead->key));
        return;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        forget(server, keys[i], id, id);
    }
}

static void drop(struct mortals *m, size_t i)
{
    buf_free(&m->all[i].task_id);
    buf_free(&m->all[i].key);
    m->all[i] = m->all[--m->count];
}

void mortals_set(struct mortals *m, struct bytes task_id, struct bytes key, mono_ms at)
{
    for (size_t i = 0; i < m->count; i++) {
        if (bytes_eq(buf_bytes(&m->all[i].task_id), task_id) &&
            bytes_eq(buf_bytes(&m->all[i].key), key)) {
            drop(m, i);
            break;
        }
    }
    if (at != NEVER_MS) {
        MEM_GROW(m->all, m->count, m->cap);
        struct mortal *dead = &m->all[m->count++];
        *dead = (struct mortal){.at = at};
        buf_add_bytes(&dead->task_id, task_id);
        buf_add_bytes(&dead->key, key);
    }
}

void mortals_learn(struct mortals *m, struct store_model *model, struct bytes task_id, mono_ms now)
{
    const struct stored_task *t = store_model_find(model, task_id, now);
    if (t == NULL) {
        return;
    }
    mortals_set(m, task_id, BYTES_NONE, t->expires_at);
    const struct stored_key *k =
        t->keyed ? map_get(&model->keys, bytes_of(t->idempotency_key, sizeof t->idempotency_key))
                 : NULL;
    if (k != NULL) {
        char hex[2 * sizeof t->idempotency_key + 1];
        hex_encode(t->idempotency_key, sizeof t->idempotency_key, hex);
        mortals_set(m, task_id, bytes_str(hex), k->expires_at);
    }
}

void mortals_expire(struct mortals *m, struct redis_server *server, mono_ms now)
{
    for (size_t i = 0; i < m->count;) {
        if (m->all[i].at <= now) {
            expire(server, &m->all[i]);
            drop(m, i);
        } else {
            i++;
        }
    }
}

void mortals_free(struct mortals *m)
{
    while (m->count > 0) {
        drop(m, 0);
    }
    free(m->all);
    *m = (struct mortals){0};
}
