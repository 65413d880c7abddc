/* The envelope that a function is given, as product.md has it. Pure. */
#ifndef MARATHON_RUN_ENVELOPE_H
#define MARATHON_RUN_ENVELOPE_H

#include "agent/attempt.h"
#include "base/err.h"

/* Appends one JSON object. ERR_TOO_LARGE where it passes ENVELOPE_BYTES_MAX; out is then as it was.
 */
enum err MUST_CHECK envelope_write(const struct attempt_call *call, struct buf *out);

#endif
