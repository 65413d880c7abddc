/* A planned body on its way out: its text, and the slices of the checkpoint document, which are
 * taken from the snapshot or read part by part, at most two parts ahead. Nothing is put together:
 * all of it goes out from where it lies. Loop's thread. */
#ifndef MARATHON_GATEWAY_BODY_STREAM_H
#define MARATHON_GATEWAY_BODY_STREAM_H

#include "api/body_plan.h"
#include "main/snapshot.h"

enum stream_state {
    STREAM_MORE,   /* there are pieces, and more to come behind them */
    STREAM_LAST,   /* with these pieces it ends */
    STREAM_WAIT,   /* nothing yet; wake is called */
    STREAM_BROKEN, /* the document is gone, or was written anew: the body cannot be completed */
};

/* More than one write takes (IOV_MAX) would be of no use. */
#define BODY_PIECES_MAX 1000

struct body_pieces {
    struct bytes items[BODY_PIECES_MAX];
    size_t count;
    size_t len; /* of all of them */
};

struct body_stream;
typedef void wake_fn(void *user);

/* What a stream of it holds of memory by itself, without parts of the document. */
size_t body_stream_memory(const struct body_plan *plan);
/* Takes over the plan's content (which it finishes) and a reference of its own to s. wake: a waited
 * for piece is there (or cannot be had). */
struct body_stream *body_stream_create(struct gateway *g, struct snapshot *s,
                                       struct body_plan *plan, wake_fn *wake, void *user);
/* Payloads come with their line ends (white space between tokens) as spaces: an event of a stream
 * is one line. */
void body_stream_one_line(struct body_stream *b);
void body_stream_destroy(struct body_stream *b); /* NULL is allowed */
uint64_t body_stream_total(const struct body_stream *b);
/* What comes next, at most max bytes of it, as it lies: of use until the next call. None: it is
 * waited for. Any number of their bytes may be taken. */
enum stream_state body_stream_next(struct body_stream *b, size_t max,
                                   struct body_pieces *ret_pieces);
/* So many bytes of it were taken. True: that was the end of the body. */
bool body_stream_taken(struct body_stream *b, size_t len);

#endif
