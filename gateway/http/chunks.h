/* Decodes a request's body in chunked coding (RFC 9112, 7.1), in pieces of any size. Strict
 * wherever a proxy before us could see a different end of the body: lines end with CR LF, and sizes
 * consist of hexadecimal digits only. Extensions and trailer fields are skipped. Pure. */
#ifndef MARATHON_HTTP_CHUNKS_H
#define MARATHON_HTTP_CHUNKS_H

#include "base/bytes.h"
#include "model/code.h"

/* Bound for extensions and trailer fields, which are ignored. */
#define CHUNKS_BESIDE_BYTES_MAX 4096

enum chunks_at { /* in this order, before content */
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
                 CHUNKS_END,  /* what follows is another request */
                 CHUNKS_FAULT /* the rest of the stream cannot be interpreted */
};

/* Zero-initialise, except for content_max. */
struct chunks {
    enum chunks_at at;
    uint64_t content_max; /* most bytes that the body may have */
    uint64_t content;     /* bytes of it received so far */
    uint64_t left;        /* in the current chunk */
    unsigned digits;      /* of its size */
    size_t beside;        /* bytes skipped */
    enum code fault;      /* at CHUNKS_FAULT */
    const char *why;      /* the reason, for people; static */
};

/* Consumes what precedes the next content (size lines and the like) but no content, so that content
 * can stay where it was read to. Returns how many bytes of text it consumed. */
size_t chunks_lead(struct chunks *c, struct bytes text);
/* Consumes text up to the end of the body. Copies content to out, which has room for text.len bytes
 * and may overlap text. Returns how many bytes of text it consumed. */
size_t chunks_read(struct chunks *c, struct bytes text, uint8_t *out, size_t *ret_len);

#endif
