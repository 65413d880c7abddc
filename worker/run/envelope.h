/* The envelope that a function is given (README.md, "Write a function"). Pure. */
#ifndef MARATHON_RUN_ENVELOPE_H
#define MARATHON_RUN_ENVELOPE_H

#include "agent/attempt.h"
#include "base/err.h"

/* Appends one JSON object but for its end, which says when the attempt has to be over: that is
 * known only once it begins. Has room for it. */
void envelope_begin(const struct step_order *order, struct buf *out);
/* The end of one that begins at `start` in out. ERR_TOO_LARGE where it passes ENVELOPE_BYTES_MAX.
 */
enum err MUST_CHECK envelope_end(unix_ms deadline, size_t start, struct buf *out);
/* The whole of it into an empty buffer: what is kept of the order, ended, or both at once. */
enum err MUST_CHECK envelope_make(const struct attempt_call *call, struct buf *out);

#endif
