#include "base/map.h"

#include <assert.h>
#include <stdlib.h>

#define MAP_CAP_MIN 16u

struct map_slot {
    const uint8_t *key;
    void *value; /* NULL = never used; &removed = a tombstone */
    uint32_t key_len;
    uint32_t hash;
};

static char removed; /* only its address is used */

#define HASH_FACTOR 0xd6e8feb86659fd93u

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * HASH_FACTOR;
    return h ^ (h >> 32);
}

/* Eight bytes at a time; the low bits choose the slot. Nothing that is stored depends on it, as it
 * does on bytes_hash. */
static uint32_t key_hash(struct bytes key)
{
    uint64_t h = key.len;
    uint64_t word = 0;
    for (; key.len >= sizeof word; key = bytes_of(key.ptr + sizeof word, key.len - sizeof word)) {
        memcpy(&word, key.ptr, sizeof word);
        h = mix(h, word);
    }
    word = 0;
    for (size_t i = 0; i < key.len; i++) {
        word = word << 8 | key.ptr[i];
    }
    h = mix(h, word) * HASH_FACTOR;
    return (uint32_t)(h ^ (h >> 32));
}

static struct map_slot *map_find(const struct map *m, struct bytes key, uint32_t hash)
{
    if (m->cap == 0) {
        return NULL;
    }
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *slot = &m->slots[i];
        if (slot->value == NULL) {
            return NULL;
        }
        if (slot->value != &removed && slot->hash == hash &&
            bytes_eq(bytes_of(slot->key, slot->key_len), key)) {
            return slot;
        }
    }
}

/* Puts into the first slot that was never used; there is one. */
static void map_place(struct map *m, const struct map_slot *entry)
{
    size_t i = entry->hash & (m->cap - 1);
    while (m->slots[i].value != NULL) {
        i = (i + 1) & (m->cap - 1);
    }
    m->slots[i] = *entry;
    m->used++;
}

/* A new table: twice as large where entries fill half of it, else the same size without its
 * tombstones. */
static void map_rebuild(struct map *m)
{
    struct map old = *m;
    size_t cap = old.cap < MAP_CAP_MIN ? MAP_CAP_MIN : old.cap;
    if (old.count >= cap / 2) {
        cap *= 2;
    }
    m->slots = mem_zalloc(cap * sizeof *m->slots);
    m->cap = cap;
    m->used = 0;
    for (size_t i = 0; i < old.cap; i++) {
        if (old.slots[i].value != NULL && old.slots[i].value != &removed) {
            map_place(m, &old.slots[i]);
        }
    }
    free(old.slots);
}

void map_free(struct map *m)
{
    free(m->slots);
    *m = (struct map){0};
}

void *map_get(const struct map *m, struct bytes key)
{
    struct map_slot *slot = map_find(m, key, key_hash(key));
    return slot != NULL ? slot->value : NULL;
}

void *map_put(struct map *m, struct bytes key, void *value)
{
    assert(value != NULL && key.len <= UINT32_MAX);
    struct map_slot entry = {key.ptr, value, (uint32_t)key.len, key_hash(key)};
    struct map_slot *slot = map_find(m, key, entry.hash);
    if (slot != NULL) {
        void *old = slot->value;
        *slot = entry; /* the key too: it lives in the new value */
        return old;
    }
    if ((m->used + 1) * 4 > m->cap * 3) {
        map_rebuild(m);
    }
    map_place(m, &entry);
    m->count++;
    return NULL;
}

void *map_remove(struct map *m, struct bytes key)
{
    struct map_slot *slot = map_find(m, key, key_hash(key));
    if (slot == NULL) {
        return NULL;
    }
    void *value = slot->value;
    *slot = (struct map_slot){.value = &removed};
    m->count--;
    return value;
}

bool map_next(const struct map *m, size_t *cursor, void **ret_value)
{
    while (*cursor < m->cap) {
        void *value = m->slots[(*cursor)++].value;
        if (value != NULL && value != &removed) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}
