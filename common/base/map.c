#include "base/map.h"

#include <assert.h>
#include <stdlib.h>

#include "base/rng.h"

#define MAP_CAP_MIN 16u

struct map_slot {
    const uint8_t *key;
    void *value; /* NULL = never used; &removed = tombstone */
    uint32_t key_len;
    uint32_t hash;
};

static char removed; /* only its address is used */

#define HASH_FACTOR 0xd6e8feb86659fd93u

/* Defaults for processes without map_seed. */
static uint64_t hash_start = 0x9e3779b97f4a7c15u, hash_seed = HASH_FACTOR;

__extension__ typedef unsigned __int128 product;

void map_seed(uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed);
    hash_start = rng_next(&rng);
    hash_seed = rng_next(&rng);
}

/* Uses both halves of the product: with the lower half alone, a difference in a word's upper bits
 * could be cancelled by the next word, whatever the seed. */
static uint64_t mix(uint64_t h, uint64_t word)
{
    product p = (product)h * (word ^ hash_seed);
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* A key of less than eight bytes as one word. */
static uint64_t short_word(struct bytes key)
{
    uint32_t first = 0, last = 0;
    if (key.len >= sizeof first) {
        memcpy(&first, key.ptr, sizeof first);
        memcpy(&last, key.ptr + key.len - sizeof last, sizeof last);
    } else if (key.len > 0) {
        first = (uint32_t)key.ptr[0] << 8 | key.ptr[key.len / 2];
        last = key.ptr[key.len - 1];
    }
    return (uint64_t)first << 32 | last;
}

/* Hashes eight bytes at a time; the last eight overlap if the length is not a multiple. The low
 * bits choose the slot. Not stored anywhere, unlike bytes_hash. */
static uint32_t bytes_key_hash(struct bytes key)
{
    uint64_t h = hash_start ^ key.len;
    uint64_t word = 0;
    if (key.len < sizeof word) {
        return (uint32_t)mix(h, short_word(key));
    }
    const uint8_t *last = key.ptr + key.len - sizeof word;
    for (const uint8_t *at = key.ptr; at < last; at += sizeof word) {
        memcpy(&word, at, sizeof word);
        h = mix(h, word);
    }
    memcpy(&word, last, sizeof word);
    return (uint32_t)mix(h, word);
}

static uint32_t number_hash(struct bytes key)
{
    uint64_t h = 0;
    assert(key.len == sizeof h);
    memcpy(&h, key.ptr, sizeof h);
    h = (h ^ sizeof h) * HASH_FACTOR;
    h = (h ^ (h >> 32)) * HASH_FACTOR;
    h = (h ^ (h >> 32)) * HASH_FACTOR;
    return (uint32_t)(h ^ (h >> 32));
}

static uint32_t key_hash(const struct map *m, struct bytes key)
{
    return m->numbers ? number_hash(key) : bytes_key_hash(key);
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

/* Puts the entry into the first slot that was never used; there must be one. */
static void map_place(struct map *m, const struct map_slot *entry)
{
    size_t i = entry->hash & (m->cap - 1);
    while (m->slots[i].value != NULL) {
        i = (i + 1) & (m->cap - 1);
    }
    m->slots[i] = *entry;
    m->used++;
}

/* Rebuilds the table: twice as large if entries fill half of it, else in the same size without
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
    *m = (struct map){.numbers = m->numbers};
}

void *map_get(const struct map *m, struct bytes key)
{
    struct map_slot *slot = map_find(m, key, key_hash(m, key));
    return slot != NULL ? slot->value : NULL;
}

void *map_put(struct map *m, struct bytes key, void *value)
{
    assert(value != NULL && key.len <= UINT32_MAX);
    struct map_slot entry = {key.ptr, value, (uint32_t)key.len, key_hash(m, key)};
    struct map_slot *slot = map_find(m, key, entry.hash);
    if (slot != NULL) {
        void *old = slot->value;
        *slot = entry; /* the key too, which lives in the new value */
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
    struct map_slot *slot = map_find(m, key, key_hash(m, key));
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
