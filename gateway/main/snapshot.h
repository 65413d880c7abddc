/* The state of a task at one moment: its view and, where asked for and not too large, the results
 * object of its checkpoint document. Shared by reference count between the watchers of a task.
 * Loop's thread. */
#ifndef MARATHON_GATEWAY_SNAPSHOT_H
#define MARATHON_GATEWAY_SNAPSHOT_H

#include "main/gateway.h"

/* Up to this size the results are read before anything is answered, so that the answer is of one
 * piece; larger ones are read while they are sent (body_stream.h). The bound under which
 * checkpoints repeat results, too. */
#define RESULTS_HELD_BYTES_MAX (1u << 20)

/* What all snapshots together may hold, less than may wait for clients (ANSWERS_BYTES_MAX):
 * above it, results are read while they are sent however small they are. */
#define SNAPSHOTS_HELD_BYTES_MAX (24u << 20)

struct snapshot {
    struct gateway *gateway;
    size_t counted; /* bytes, in gateway.snapshot_bytes */
    unsigned refs;
    struct buf frame;
    struct arena arena;
    struct message message;
    const struct task_view *view; /* in message */
    struct bytes doc;             /* the document from RESULTS_OFFSET, without the closing brace */
    struct buf results;           /* the memory of doc, where that is not lent */
    bool held;                    /* doc is all there */
    struct bytes
        lent; /* the frame of which message, or else doc, is a part; none: all is its own */
};

/* What is lent to it is copied for the first one who keeps it. */
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* NULL is allowed */

struct snapshot_load;
/* Exactly one of them is not NULL; the caller owns the reference to s, which must end within the
 * call: what it shows may be lent for so long (snapshot_ref keeps it). Never comes from within
 * snapshot_load_start. */
typedef void snapshot_fn(void *user, struct snapshot *s, const struct problem *why);

struct snapshot_ask {
    bool results;
    snapshot_fn *fn;
    void *user;
};
/* NULL where too many requests wait, or answers (*ret_why says it). task_id is copied. */
struct snapshot_load *snapshot_load_start(struct gateway *g, struct bytes task_id,
                                          struct snapshot_ask ask, struct problem *ret_why);
void snapshot_load_stop(struct snapshot_load *l); /* no callback; NULL is allowed */

#endif
