/* Parses Server-Sent Events (text/event-stream) incrementally. Pure.
 *
 * Lines end with LF, CR LF or CR, also if a chunk ends between the two. Comments and unknown fields
 * are dropped. */
#ifndef MARATHON_CLI_SSE_H
#define MARATHON_CLI_SSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

/* The largest message is the state of a task with its results twice (whole and by step). */
#define SSE_EVENT_BYTES_MAX (160u << 20)

struct sse_event {
    struct bytes type; /* "message" if the stream named none */
    struct bytes data; /* lines joined by LF */
    struct bytes id;   /* the newest id of the stream, even if this event had none */
};

typedef void sse_fn(void *user, const struct sse_event *event);

/* Zero-initialise it; sse_free when done. */
struct sse {
    struct buf line, data, type, id;
    int64_t retry_ms; /* as the server asked, 0 = not given */
    bool skip_lf;     /* the last chunk ended with CR */
    bool started;     /* the first line is done (a byte order mark is dropped only there) */
};

void sse_free(struct sse *s);
/* For a new connection: forgets a half-received event but keeps the id. */
void sse_restart(struct sse *s);
/* Calls fn for each complete event; its slices live for the call. ERR_TOO_LARGE beyond the
 * bound. */
enum err MUST_CHECK sse_feed(struct sse *s, struct bytes chunk, sse_fn *fn, void *user);

#endif
