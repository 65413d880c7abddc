/* A sheet of output: whole frames behind one another, which go out together. Whoever may have to
 * send one of them again holds it there, in place of a copy of its own.
 *
 * A connection fills a sheet, and lets go of it on whichever thread finds it written. Holders are
 * on the loop's thread. */
#ifndef MARATHON_TRANSPORT_SHEET_H
#define MARATHON_TRANSPORT_SHEET_H

#include <stdatomic.h>

#include "base/bytes.h"

struct sheet {
    struct buf bytes;
    _Atomic unsigned refs; /* the connection's, and each holder's; the last one frees it */
    /* The loop's: */
    unsigned holders;
    size_t held; /* bytes of the frames that were ever held since there were none */
};

/* With room for so many bytes. */
struct sheet *sheet_create(size_t bytes);
/* The connection's: NULL is allowed. */
void sheet_release(struct sheet *s);
/* Nobody else has it: it may be filled anew. */
bool sheet_is_free(const struct sheet *s);

/* One frame of a sheet. */
struct held_frame {
    struct sheet *sheet; /* NULL: nothing is held */
    size_t at, len;      /* with its length */
};

/* The frames from `at` to the sheet's end. For as long as something of a sheet is held, all of it
 * stays. */
struct held_frame frame_hold(struct sheet *s, size_t at);
/* Until the connection is next given something to send. */
struct bytes held_frame_bytes(const struct held_frame *h);
/* Zeroes it. Returns how many bytes of held frames, this one's and those that were let go before,
 * stay no more because of it: 0 while others hold the sheet. */
size_t held_frame_release(struct held_frame *h);

#endif
