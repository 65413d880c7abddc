/* The envelope that a function receives (README.md, "Write a function"). Pure. */
#ifndef MARATHON_RUN_ENVELOPE_H
#define MARATHON_RUN_ENVELOPE_H

#include "agent/attempt.h"
#include "base/err.h"

/* Appends a JSON object without its end, which has the attempt's deadline: that is known only when
 * the attempt begins. Reserves room for the end. */
void envelope_begin(const struct step_order *order, struct buf *out);
/* Appends the end of the object that begins at `start` in out. ERR_TOO_LARGE if it exceeds
 * ENVELOPE_BYTES_MAX. */
enum err MUST_CHECK envelope_end(unix_ms deadline, size_t start, struct buf *out);
/* Writes the whole object into an empty buffer: completes what was kept of the order, or makes both
 * parts at once. */
enum err MUST_CHECK envelope_make(const struct attempt_call *call, struct buf *out);

#endif
