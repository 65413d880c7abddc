/* A sheet of output: whole frames behind one another, which go out together; what was lent to them
 * stays with it. Whoever may have to send one of them again holds it there, in place of a copy of
 * its own.
 *
 * A connection fills a sheet, and lets go of it on whichever thread finds it written. Holders are
 * on the loop's thread. */
#ifndef MARATHON_TRANSPORT_SHEET_H
#define MARATHON_TRANSPORT_SHEET_H

#include <stdatomic.h>

#include "base/slices.h"

struct sheet {
    struct slices text;
    _Atomic unsigned refs; /* the connection's, and each holder's; the last one frees it */
    /* The loop's: */
    unsigned holders;
    size_t held; /* memory of the frames that were ever held since there were none */
};

/* With room for so many bytes of its own. */
struct sheet *sheet_create(size_t bytes);
/* The connection's: NULL is allowed. */
void sheet_release(struct sheet *s);
/* Nobody else has it: it may be filled anew. */
bool sheet_is_free(const struct sheet *s);

/* One frame of a sheet. */
struct held_frame {
    struct sheet *sheet; /* NULL: nothing is held */
    struct slices_place at;
    size_t len;    /* with its length */
    size_t memory; /* that it keeps from being freed, all of its lender's too */
};

/* The frames from `at` to the sheet's end. For as long as something of a sheet is held, all of it
 * stays. */
struct held_frame frame_hold(struct sheet *s, struct slices_place at);
/* Appends it to out, as slices_add does. Without the connection's lock, although the sheet may be
 * the one that is still filled: nothing may be sent there from another thread than the loop's while
 * frames of it are held (a worker's beats are; a worker holds none). */
void held_frame_add(const struct held_frame *h, struct slices *out);
/* Zeroes it. Returns how much memory of held frames, this one's and those that were let go before,
 * stays no more because of it: 0 while others hold the sheet. */
size_t held_frame_release(struct held_frame *h);

#endif
