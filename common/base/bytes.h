/* Slices and growing buffers.
 *
 * struct bytes borrows: it never owns what it points to. struct buf owns its memory. struct arena
 * owns many small pieces that are freed together. Out of memory ends the process (die), so nothing
 * here returns an error. */
#ifndef MARATHON_BASE_BYTES_H
#define MARATHON_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *ptr; /* may be NULL when len is 0 */
    size_t len;
};

#define BYTES_NONE ((struct bytes){NULL, 0})
/* bytes_str and BYTES_LIT: a NUL-terminated string or a literal, without its NUL. */
#define BYTES_LIT(s) ((struct bytes){(const uint8_t *)("" s), sizeof(s) - 1})

static inline struct bytes bytes_of(const void *ptr, size_t len)
{
    return (struct bytes){ptr, len};
}

static inline struct bytes bytes_str(const char *s)
{
    return (struct bytes){(const uint8_t *)s, s != NULL ? strlen(s) : 0};
}

static inline bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool bytes_is(struct bytes a, const char *s)
{
    return bytes_eq(a, bytes_str(s));
}

/* Lexicographic order by unsigned bytes; a prefix comes first. Returns <0, 0, >0. */
int bytes_cmp(struct bytes a, struct bytes b);
/* FNV-1a, for hash tables; not for security. */
uint64_t bytes_hash(struct bytes b);
/* The part from offset `from` on, at most len bytes; clamped to b. */
struct bytes bytes_part(struct bytes b, size_t from, size_t len);

/* A growing byte buffer. Zero-initialise it ({0}); buf_free when done. */
struct buf {
    uint8_t *ptr;
    size_t len;
    size_t cap;
};

void buf_free(struct buf *b);              /* frees and zeroes */
void buf_clear(struct buf *b);             /* len = 0, keeps the memory */
void buf_grow(struct buf *b, size_t more); /* buf_reserve, where there is no room */

/* Makes room for at least `more` further bytes. Inline, because a step makes hundreds of small
 * additions. */
static inline void buf_reserve(struct buf *b, size_t more)
{
    if (more > b->cap - b->len) {
        buf_grow(b, more);
    }
}

/* len += more; returns the new, uninitialised bytes: never NULL, even if more is 0. */
static inline uint8_t *buf_extend(struct buf *b, size_t more)
{
    buf_reserve(b, more > 0 ? more : 1);
    uint8_t *added = b->ptr + b->len;
    b->len += more;
    return added;
}

static inline void buf_add(struct buf *b, const void *p, size_t n)
{
    buf_reserve(b, n);
    if (n > 0) {
        memcpy(b->ptr + b->len, p, n);
        b->len += n;
    }
}

static inline void buf_add_char(struct buf *b, char c)
{
    buf_reserve(b, 1);
    b->ptr[b->len++] = (uint8_t)c;
}

static inline void buf_add_bytes(struct buf *b, struct bytes s)
{
    buf_add(b, s.ptr, s.len);
}

static inline void buf_add_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_add_uint(struct buf *b, uint64_t v); /* in decimal */
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_drop_front(struct buf *b, size_t n); /* removes the first n bytes */
void buf_trim(struct buf *b); /* frees the memory beyond len, without moving the rest */
/* adds a NUL behind len (not counted); valid until the next change */
const char *buf_cstr(struct buf *b);

static inline struct bytes buf_bytes(const struct buf *b)
{
    return (struct bytes){b->ptr, b->len};
}

/* Many allocations that are freed together. Zero-initialise it; arena_free when done. Alignment 16;
 * memory is zeroed unless stated otherwise. */
struct arena {
    struct arena_block *head;
    size_t used_bytes;
    /* texts kept alive as long as the arena's pieces: arena_hold (shared.h) */
    struct shared **held;
    uint32_t held_count, held_cap;
};

void *arena_alloc(struct arena *a, size_t size);
/* Makes room for one more item of an array in the arena: returns it, or a copy with twice the
 * capacity if it is full. */
void *arena_grow(struct arena *a, void *items, uint32_t count, uint32_t *cap, size_t size);
/* An empty buffer with room for cap bytes, not zeroed, to write a text of known length in place. It
 * must not grow and must not be freed. */
struct buf arena_buf(struct arena *a, size_t cap);
/* a copy, followed by a NUL that is not counted */
struct bytes arena_bytes(struct arena *a, struct bytes b);
char *arena_str(struct arena *a, const char *s); /* a copy; NULL stays NULL */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *a); /* frees everything but one block, which is reused */
void arena_free(struct arena *a);
/* Frees the blocks that this thread caches for its next arenas; call it after a burst. */
void arena_drop_spare(void);

/* malloc, calloc, realloc, strdup that die instead of returning NULL. Free with free(). */
void *mem_alloc(size_t size) __attribute__((malloc));
void *mem_zalloc(size_t size) __attribute__((malloc));
void *mem_resize(void *p, size_t size);
char *mem_str(const char *s);        /* NULL stays NULL */
char *mem_str_bytes(struct bytes b); /* a NUL-terminated copy */
/* A copy that the caller owns and frees with bytes_free; followed by a NUL that is not counted. */
struct bytes bytes_own(struct bytes b);
void bytes_free(struct bytes b);

/* Grows a typed array so that index `count` is valid: *cap doubles, never below 8. */
#define MEM_GROW(array, count, cap)                                                                \
    do {                                                                                           \
        if ((count) == (cap)) {                                                                    \
            (cap) = (cap) < 8 ? 8 : (cap)*2;                                                       \
            (array) = mem_resize((array), (size_t)(cap) * sizeof *(array));                        \
        }                                                                                          \
    } while (0)

#endif
