/* Sends a planned body: its own text, and slices of the checkpoint document, which are taken from
 * the snapshot or read part by part, at most two parts ahead. The body is never assembled: each
 * piece goes out from where it lies. Loop's thread. */
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

/* One write takes IOV_MAX (1,024) pieces at most. */
#define BODY_PIECES_MAX 1000

struct body_pieces {
    struct bytes items[BODY_PIECES_MAX];
    size_t count;
    size_t len; /* sum of their lengths */
};

struct body_stream;
typedef void wake_fn(void *user);

/* Memory that a stream of this plan holds, apart from parts of the document. */
size_t body_stream_memory(const struct body_plan *plan);
/* Takes over the plan's content (which it finishes) and adds a reference to s. wake is called when
 * a piece that was waited for is there, or cannot be had. */
struct body_stream *body_stream_create(struct gateway *g, struct snapshot *s,
                                       struct body_plan *plan, wake_fn *wake, void *user);
/* Replaces line breaks in payloads (white space between tokens) by spaces: an event of a stream is
 * one line. */
void body_stream_one_line(struct body_stream *b);
void body_stream_destroy(struct body_stream *b); /* NULL is allowed */
uint64_t body_stream_total(const struct body_stream *b);
/* The next pieces, at most max bytes, valid until the next call. No pieces: they are waited for.
 * The caller may take any number of their bytes. */
enum stream_state body_stream_next(struct body_stream *b, size_t max,
                                   struct body_pieces *ret_pieces);
/* Reports how many bytes were taken. True: that was the end of the body. */
bool body_stream_taken(struct body_stream *b, size_t len);

#endif
