/* The end of a function's log: the last LOG_TAIL_BYTES_MAX bytes of a stream of any length.
 * Pure. */
#ifndef MARATHON_RUN_TAIL_H
#define MARATHON_RUN_TAIL_H

#include "agent/attempt.h"
#include "base/bytes.h"
#include "model/limits.h"

/* Zero-initialise it. */
struct tail {
    uint8_t ring[LOG_TAIL_BYTES_MAX];
    uint64_t written;
};

void tail_add(struct tail *t, struct bytes data);
/* Appends the tail, without NULs and trailing white space; if the log was cut, it begins with a
 * whole character. */
void tail_write(const struct tail *t, struct buf *out);
/* Passes the tail on as news, so that its coordinator has it if the worker dies. */
void tail_tell(const struct tail *t, void (*fn)(void *user, const struct attempt_news *news),
               void *user);

#endif
