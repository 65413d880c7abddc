/* A sheet of output: consecutive whole frames that are sent together, with references to the memory
 * lent to them. Whoever may have to send one of the frames again holds it here instead of copying
 * it.
 *
 * A connection fills a sheet, and releases it on whichever thread finds it written. Holders are on
 * the loop's thread. */
#ifndef MARATHON_TRANSPORT_SHEET_H
#define MARATHON_TRANSPORT_SHEET_H

#include <stdatomic.h>

#include "base/slices.h"

struct sheet {
    struct slices text;
    /* one of the connection, one of each holder; dropping the last frees the sheet */
    _Atomic unsigned refs;
    /* The following belong to the loop's thread. */
    unsigned holders;
    size_t held; /* memory of the frames held since holders was last 0 */
};

/* Allocates room for so many bytes of its own. */
struct sheet *sheet_create(size_t bytes);
/* Drops the connection's reference; NULL is allowed. */
void sheet_release(struct sheet *s);
/* True if nobody else refers to it: it may be filled anew. */
bool sheet_is_free(const struct sheet *s);

/* A reference to one frame of a sheet. */
struct held_frame {
    struct sheet *sheet; /* NULL: nothing is held */
    struct slices_place at;
    size_t len;    /* including the length prefix */
    size_t memory; /* that it keeps from being freed, including all of its lenders' */
};

/* Holds the frames from `at` to the sheet's end. As long as any part of a sheet is held, all of it
 * stays. */
struct held_frame frame_hold(struct sheet *s, struct slices_place at);
/* Appends it to out, as slices_add does. Works without the connection's lock, although the sheet
 * may be the one that is still being filled: while frames of it are held, only the loop's thread
 * may send on that connection. (Workers send heartbeats from another thread, but hold no
 * frames.) */
void held_frame_add(const struct held_frame *h, struct slices *out);
/* Releases and zeroes it. Returns how much memory of held frames was thereby freed, of this one and
 * of those released before; 0 while others hold the sheet. */
size_t held_frame_release(struct held_frame *h);

#endif
