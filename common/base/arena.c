#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

#define ALIGNMENT       16u
#define BLOCK_BYTES_MIN 1024u /* a small message or pipeline fits in the first block */
#define BLOCK_BYTES_MAX                                                                            \
    (64u << 10) /* blocks double up to this; a larger piece gets a block of its own */

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    size_t used;
    size_t unused_padding; /* keeps data at a multiple of ALIGNMENT */
    uint8_t data[];
};

_Static_assert(sizeof(struct arena_block) % ALIGNMENT == 0, "data must stay aligned");

static struct arena_block *block_create(size_t size)
{
    if (size > SIZE_MAX / 2) {
        die("arena piece over the address space (%zu bytes)", size);
    }
    struct arena_block *block = mem_alloc(sizeof *block + size);
    block->next = NULL;
    block->size = size;
    block->used = 0;
    return block;
}

/* A block with room for size bytes; the head stays the head where a large piece gets its own block,
 * so that the head's rest is not wasted. */
static struct arena_block *block_for(struct arena *a, size_t size)
{
    struct arena_block *head = a->head;
    if (head != NULL && size <= head->size - head->used) {
        return head;
    }
    size_t usual = head == NULL ? BLOCK_BYTES_MIN : head->size * 2;
    usual = usual > BLOCK_BYTES_MAX ? BLOCK_BYTES_MAX : usual;
    if (head != NULL && size > usual / 4) {
        struct arena_block *own = block_create(size);
        own->next = head->next;
        head->next = own;
        return own;
    }
    struct arena_block *block = block_create(size > usual ? size : usual);
    block->next = head;
    a->head = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2) {
        die("arena piece over the address space (%zu bytes)", size);
    }
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    rounded = rounded == 0 ? ALIGNMENT : rounded; /* two pieces never share an address */
    struct arena_block *block = block_for(a, rounded);
    void *piece = block->data + block->used;
    block->used += rounded;
    a->used_bytes += rounded;
    return memset(piece, 0, rounded);
}

struct bytes arena_bytes(struct arena *a, struct bytes b)
{
    uint8_t *copy = arena_alloc(a, b.len + 1);
    if (b.len > 0) {
        memcpy(copy, b.ptr, b.len);
    }
    return bytes_of(copy, b.len);
}

char *arena_str(struct arena *a, const char *s)
{
    if (s == NULL) {
        return NULL;
    }
    size_t len = strlen(s);
    return memcpy(arena_alloc(a, len + 1), s, len);
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char usual[256]; /* formatted once where it fits */
    int len = vsnprintf(usual, sizeof usual, format, args);
    va_end(args);
    if (len < 0) {
        die("arena_printf: bad format '%s'", format);
    }
    char *text = arena_alloc(a, (size_t)len + 1);
    if ((size_t)len < sizeof usual) {
        memcpy(text, usual, (size_t)len + 1);
    } else {
        (void)vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    return text;
}

void arena_reset(struct arena *a)
{
    if (a->head == NULL) {
        return;
    }
    struct arena_block *kept = a->head;
    for (struct arena_block *block = kept->next; block != NULL;) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    kept->next = NULL;
    kept->used = 0;
    a->used_bytes = 0;
    if (kept->size > BLOCK_BYTES_MAX) { /* one huge first piece is no reason to hold its memory */
        arena_free(a);
    }
}

void arena_free(struct arena *a)
{
    for (struct arena_block *block = a->head; block != NULL;) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    *a = (struct arena){0};
}
