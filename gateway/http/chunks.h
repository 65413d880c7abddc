/* A request's body in the chunked coding (RFC 9112, 7.1), in whatever pieces it comes. Strict
 * wherever somebody before us could see another end than we do: lines end with CR LF, sizes are
 * hexadecimal digits and nothing else. Extensions and trailer fields are passed over. Pure. */
#ifndef MARATHON_HTTP_CHUNKS_H
#define MARATHON_HTTP_CHUNKS_H

#include "base/bytes.h"
#include "model/code.h"

/* Of extensions and trailer fields, which nobody here reads */
#define CHUNKS_BESIDE_BYTES_MAX 4096

enum chunks_at { /* in this order before content */
                 CHUNKS_SIZE,
                 CHUNKS_EXTENSION,
                 CHUNKS_SIZE_LF,
                 CHUNKS_DATA,
                 CHUNKS_DATA_CR,
                 CHUNKS_DATA_LF,
                 CHUNKS_TRAILER, /* at the beginning of a line */
                 CHUNKS_TRAILER_FIELD,
                 CHUNKS_TRAILER_LF,
                 CHUNKS_END_LF,
                 CHUNKS_END,  /* what comes now is another request */
                 CHUNKS_FAULT /* nothing behind it can be followed */
};

/* Zero-initialise but for content_max. */
struct chunks {
    enum chunks_at at;
    uint64_t content_max; /* bytes of the body that may come */
    uint64_t content;     /* bytes of it that came */
    uint64_t left;        /* of the chunk */
    unsigned digits;      /* of its size */
    size_t beside;        /* bytes passed over */
    enum code fault;      /* at CHUNKS_FAULT */
    const char *why;      /* of that, for people; static */
};

/* Takes what is before the content that comes next, and nothing of that: read in its place, it can
 * stay there. Returns how many bytes of text it took. */
size_t chunks_lead(struct chunks *c, struct bytes text);
/* Takes text as far as the body goes; what it contains of the body's content goes to out, which has
 * room for text.len bytes, and may be where text is. Returns how many bytes of text it took. */
size_t chunks_read(struct chunks *c, struct bytes text, uint8_t *out, size_t *ret_len);

#endif
