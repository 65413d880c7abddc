#include "base/shared.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

#define ALIGNMENT       16u
#define BLOCK_BYTES_MIN 1024u /* the first block: fits a small message or pipeline */
/* Blocks double up to this size; larger pieces get a block of their own */
#define BLOCK_BYTES_MAX (64u << 10)

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    size_t used;
    size_t unused_padding; /* aligns data to ALIGNMENT */
    uint8_t data[];
};

_Static_assert(sizeof(struct arena_block) % ALIGNMENT == 0, "data must stay aligned");

/* Freed first blocks are cached for the next arenas of this thread: most arenas live for one
 * message or one write, and malloc's own cache ends at 1,032 bytes. Not under sanitizers, which
 * must see each allocation and free. */
/* Enough for the writes of a bulk start (1 MiB). Blocks returned to malloc would be split for
 * long-lived pieces, leaving holes. */
#define SPARE_BLOCKS_MAX 1024u

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool keeps_spare = false;
#else
static const bool keeps_spare = true;
#endif

static _Thread_local struct {
    struct arena_block *first;
    unsigned count;
} spare;

void arena_drop_spare(void)
{
    while (spare.first != NULL) {
        struct arena_block *block = spare.first;
        spare.first = block->next;
        free(block);
    }
    spare.count = 0;
}

static struct arena_block *block_create(size_t size)
{
    if (size > SIZE_MAX / 2) {
        die("arena piece over the address space (%zu bytes)", size);
    }
    struct arena_block *block = spare.first;
    if (size == BLOCK_BYTES_MIN && block != NULL) {
        spare.first = block->next;
        spare.count--;
    } else {
        block = mem_alloc(sizeof *block + size);
    }
    block->next = NULL;
    block->size = size;
    block->used = 0;
    return block;
}

static void block_free(struct arena_block *block)
{
    if (keeps_spare && block->size == BLOCK_BYTES_MIN && spare.count < SPARE_BLOCKS_MAX) {
        block->next = spare.first;
        spare.first = block;
        spare.count++;
        return;
    }
    free(block);
}

/* Adds a block with room for size bytes, which the head lacks. A large piece gets its own block
 * behind the head, so that the head's rest stays usable. */
static struct arena_block *block_for(struct arena *a, size_t size)
{
    struct arena_block *head = a->head;
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

/* As arena_alloc, but not zeroed. */
static void *alloc_raw(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2) {
        die("arena piece over the address space (%zu bytes)", size);
    }
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    rounded = rounded == 0 ? ALIGNMENT : rounded; /* so that no two pieces share an address */
    struct arena_block *block = a->head;
    if (block == NULL || rounded > block->size - block->used) {
        block = block_for(a, rounded);
    }
    void *piece = block->data + block->used;
    block->used += rounded;
    a->used_bytes += rounded;
    return piece;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return memset(alloc_raw(a, size), 0, size);
}

struct buf arena_buf(struct arena *a, size_t cap)
{
    return (struct buf){.ptr = alloc_raw(a, cap), .cap = cap};
}

struct bytes arena_bytes(struct arena *a, struct bytes b)
{
    uint8_t *copy = alloc_raw(a, b.len + 1);
    if (b.len > 0) {
        memcpy(copy, b.ptr, b.len);
    }
    copy[b.len] = '\0';
    return bytes_of(copy, b.len);
}

char *arena_str(struct arena *a, const char *s)
{
    if (s == NULL) {
        return NULL;
    }
    size_t len = strlen(s);
    return memcpy(alloc_raw(a, len + 1), s, len + 1);
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char usual[256]; /* if it fits here, it is formatted only once */
    int len = vsnprintf(usual, sizeof usual, format, args);
    va_end(args);
    if (len < 0) {
        die("arena_printf: bad format '%s'", format);
    }
    char *text = alloc_raw(a, (size_t)len + 1);
    if ((size_t)len < sizeof usual) {
        memcpy(text, usual, (size_t)len + 1);
    } else {
        (void)vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    return text;
}

void *arena_grow(struct arena *a, void *items, uint32_t count, uint32_t *cap, size_t size)
{
    if (count < *cap) {
        return items;
    }
    /* starts at 2: a write with two events fits into its arena's first block */
    *cap = *cap < 2 ? 2 : *cap * 2;
    void *bigger = arena_alloc(a, *cap * size);
    if (count > 0) {
        memcpy(bigger, items, count * size);
    }
    return bigger;
}

struct bytes arena_hold(struct arena *a, struct shared *text)
{
    if (text == NULL) {
        return BYTES_NONE;
    }
    a->held = arena_grow(a, a->held, a->held_count, &a->held_cap, sizeof(struct shared *));
    a->held[a->held_count++] = shared_hold(text);
    return shared_bytes(text);
}

void arena_hold_all(struct arena *a, const struct arena *of)
{
    for (uint32_t i = 0; i < of->held_count; i++) {
        arena_hold(a, of->held[i]);
    }
}

struct buf arena_text(struct arena *a, size_t cap)
{
    if (cap < LENT_BYTES_MIN) {
        return arena_buf(a, cap);
    }
    struct shared *text = shared_make(cap);
    (void)arena_hold(a, text);
    shared_drop(text); /* only the arena's reference is left */
    return (struct buf){.ptr = text->bytes.ptr, .cap = cap};
}

struct bytes arena_take(struct arena *a, struct buf *made)
{
    if (made->len < LENT_BYTES_MIN) {
        struct bytes copy = arena_bytes(a, buf_bytes(made));
        buf_free(made);
        return copy;
    }
    struct shared *text = shared_take(made);
    struct bytes taken = arena_hold(a, text);
    shared_drop(text);
    return taken;
}

static void drop_held(struct arena *a)
{
    for (uint32_t i = 0; i < a->held_count; i++) {
        shared_drop(a->held[i]);
    }
    a->held = NULL;
    a->held_count = a->held_cap = 0;
}

void arena_reset(struct arena *a)
{
    if (a->head == NULL) {
        return;
    }
    drop_held(a);
    struct arena_block *kept = a->head;
    for (struct arena_block *block = kept->next; block != NULL;) {
        struct arena_block *next = block->next;
        block_free(block);
        block = next;
    }
    kept->next = NULL;
    kept->used = 0;
    a->used_bytes = 0;
    if (kept->size > BLOCK_BYTES_MAX) { /* do not keep the memory of one huge first piece */
        arena_free(a);
    }
}

void arena_free(struct arena *a)
{
    drop_held(a);
    for (struct arena_block *block = a->head; block != NULL;) {
        struct arena_block *next = block->next;
        block_free(block);
        block = next;
    }
    *a = (struct arena){0};
}
