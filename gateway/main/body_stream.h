/* A planned body on its way out: its text, and the slices of the checkpoint document, which are
 * taken from the snapshot or read piece by piece, at most two pieces ahead. Loop's thread. */
#ifndef MARATHON_GATEWAY_BODY_STREAM_H
#define MARATHON_GATEWAY_BODY_STREAM_H

#include "api/body_plan.h"
#include "main/snapshot.h"

enum stream_state {
    STREAM_MORE,   /* out has bytes, and there are more to come */
    STREAM_LAST,   /* out has the last bytes */
    STREAM_WAIT,   /* nothing yet; wake is called */
    STREAM_BROKEN, /* the document is gone, or was written anew: the body cannot be completed */
};

struct body_stream;
typedef void wake_fn(void *user);

/* Takes over the plan's content (which it finishes) and a reference of its own to s. wake: a waited
 * for piece is there (or cannot be had). */
struct body_stream *body_stream_create(struct gateway *g, struct snapshot *s,
                                       struct body_plan *plan, wake_fn *wake, void *user);
/* Results come with their line ends (white space between tokens) as spaces: an event of a stream is
 * one line. */
void body_stream_one_line(struct body_stream *b);
/* Large slices of the document are not put into pieces: body_stream_large has them. */
void body_stream_lends(struct body_stream *b);
/* One that comes next and is there, as it lies; empty: body_stream_next goes on. */
struct bytes body_stream_large(struct body_stream *b);
/* So much of it was given. True: that was the end of the body. */
bool body_stream_given(struct body_stream *b, size_t len);
void body_stream_destroy(struct body_stream *b); /* NULL is allowed */
uint64_t body_stream_total(const struct body_stream *b);
/* Appends at most max bytes to out. */
enum stream_state body_stream_next(struct body_stream *b, size_t max, struct buf *out);

#endif
