#include "store/redis_block.h"

#include <stdlib.h>
#include <hiredis/hiredis.h>
#include <hiredis/sds.h>

#include "base/err.h"

#if HIREDIS_MAJOR >= 1
#define sdsempty       hi_sdsempty
#define sdsMakeRoomFor hi_sdsMakeRoomFor
#define sdsavail       hi_sdsavail
#define sdsfree        hi_sdsfree
#endif

char *block_bytes(const struct incoming_block *b)
{
    return (char *)b->shared.bytes.ptr;
}

/* May run on any thread. */
static void block_free(struct shared *s)
{
    struct incoming_block *b = (struct incoming_block *)(void *)s;
    sdsfree(block_bytes(b));
    free(b);
}

/* Acquires: what other threads read of it, they read before they dropped it. */
bool block_is_free(const struct incoming_block *b)
{
    return atomic_load_explicit(&b->shared.holders, memory_order_acquire) == 1;
}

void block_drop(struct incoming_block *b)
{
    if (b != NULL) {
        shared_drop(&b->shared);
    }
}

/* sdsMakeRoomFor allocates twice what is asked for, up to a bound: so we ask for half. */
struct incoming_block *block_make(size_t room)
{
    struct incoming_block *b = mem_alloc(sizeof *b);
    bool twice = room + 1 < 2 * (size_t)SDS_MAX_PREALLOC;
    char *bytes = sdsempty();
    if (bytes != NULL) {
        bytes = sdsMakeRoomFor(bytes, twice ? (room + 1) / 2 : room - SDS_MAX_PREALLOC);
    }
    if (bytes != NULL && sdsavail(bytes) < room) {
        bytes = sdsMakeRoomFor(bytes, room);
    }
    if (bytes == NULL) {
        die("out of memory (%zu bytes from Redis)", room);
    }
    size_t cap = sdsavail(bytes);
    struct buf all = {.ptr = (uint8_t *)bytes, .len = cap, .cap = cap};
    shared_init(&b->shared, all, block_free);
    return b;
}
