/* The plan of a response body: our own text, slices of the checkpoint document, and payloads that
 * stay where they are, in order. The length is known before the slices are there, so a large body
 * can be sent in bounded memory as the document's pieces arrive. Pure. */
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
    uint64_t total;   /* bytes of the whole body; valid after body_plan_finish */
};

void body_plan_free(struct body_plan *plan);
/* Appends the document's bytes [offset, offset + len). */
void body_plan_doc(struct body_plan *plan, uint64_t offset, uint64_t len);
/* Appends a payload, which must stay where it is until the plan is no longer used; a short one is
 * copied. */
void body_plan_lend(struct body_plan *plan, struct bytes payload);
/* The buffer that such payloads lie in has moved. */
void body_plan_moved(struct body_plan *plan, struct bytes from, const uint8_t *to);
/* Call once, when everything is appended. */
void body_plan_finish(struct body_plan *plan);

/* A position in a finished plan; zero-initialised: its start. */
struct body_cursor {
    size_t piece;
    uint64_t done; /* bytes of that piece already given */
};

struct body_want {
    enum body_source from;
    uint64_t offset;   /* DOC: in the document */
    struct bytes text; /* otherwise: the text itself */
    size_t len;        /* never 0 */
};

/* The next slice, at most max bytes; does not move the cursor. False at the end. */
bool body_plan_next(const struct body_plan *plan, const struct body_cursor *cursor, size_t max,
                    struct body_want *ret_want);
void body_cursor_move(const struct body_plan *plan, struct body_cursor *cursor, size_t len);
/* Appends the whole body to out. doc must contain all of the document's slices that are needed; its
 * first byte has offset doc_offset. */
void body_plan_write(const struct body_plan *plan, struct bytes doc, uint64_t doc_offset,
                     struct buf *out);

#endif
