/* The plan of a body: text of our own, slices of the checkpoint document, and payloads that stay
 * where they are, in order. Its length is known before the slices are there, so a large body is
 * sent in bounded memory while the document's pieces arrive. Pure. */
#ifndef MARATHON_API_BODY_PLAN_H
#define MARATHON_API_BODY_PLAN_H

#include <stdbool.h>

#include "base/bytes.h"

enum body_source { BODY_TEXT, BODY_DOC, BODY_LENT };

struct body_piece {
    enum body_source from;
    uint64_t offset;     /* in text, or in the document */
    const uint8_t *lent; /* LENT */
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
/* A payload comes next, which stays there until the plan is done with; a short one is copied. */
void body_plan_lend(struct body_plan *plan, struct bytes payload);
/* What such payloads lie in has moved. */
void body_plan_moved(struct body_plan *plan, struct bytes from, const uint8_t *to);
/* Once, when everything is appended. */
void body_plan_finish(struct body_plan *plan);

/* A place in a finished plan. Zero-initialised it stands at the start. */
struct body_cursor {
    size_t piece;
    uint64_t done; /* bytes of that piece */
};

struct body_want {
    enum body_source from;
    uint64_t offset;   /* DOC: in the document */
    struct bytes text; /* otherwise: itself */
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
