/* The plan of a body: text of our own and slices of the checkpoint document, in order. Its length
 * is known before the slices are there, so a large body is sent in bounded memory while the
 * document's pieces arrive. Pure. */
#ifndef MARATHON_API_BODY_PLAN_H
#define MARATHON_API_BODY_PLAN_H

#include <stdbool.h>

#include "base/bytes.h"

struct body_piece {
    bool doc;        /* a slice of the document; else of text */
    uint64_t offset; /* in the document, or in text */
    uint64_t len;
};

/* Zero-initialise; free with body_plan_free. Renderers append to text directly. */
struct body_plan {
    struct buf text;
    struct body_piece *pieces;
    size_t count, cap;
    size_t text_done; /* bytes of text that pieces cover */
    uint64_t total;   /* bytes of the whole body; right after body_plan_finish */
};

void body_plan_free(struct body_plan *plan);
/* The document's bytes [offset, offset + len) come next. */
void body_plan_doc(struct body_plan *plan, uint64_t offset, uint64_t len);
/* Once, when everything is appended. */
void body_plan_finish(struct body_plan *plan);

/* A place in a finished plan. Zero-initialised it stands at the start. */
struct body_cursor {
    size_t piece;
    uint64_t done; /* bytes of that piece */
};

struct body_want {
    bool doc;
    uint64_t offset;   /* doc: in the document */
    struct bytes text; /* otherwise */
    size_t len;        /* never 0 */
};

/* The next slice, at most max bytes, without moving. False at the end. */
bool body_plan_next(const struct body_plan *plan, const struct body_cursor *cursor, size_t max,
                    struct body_want *ret_want);
void body_cursor_move(const struct body_plan *plan, struct body_cursor *cursor, size_t len);
/* Appends the whole body to out, taking the document's slices from doc, whose first byte has offset
 * doc_offset. All must be there. */
void body_plan_write(const struct body_plan *plan, struct bytes doc, uint64_t doc_offset,
                     struct buf *out);

#endif
