/* The error that a function reports itself, in a line of its news or in the body of an HTTP error:
 * {"error":{"code","message","retryable","retry_after"}}. It is used if the attempt fails. Pure. */
#ifndef MARATHON_RUN_SAID_ERROR_H
#define MARATHON_RUN_SAID_ERROR_H

#include "agent/attempt.h"

/* Zero-initialise it; said_error_free when done. */
struct said_error {
    bool given;
    struct buf code, message;
    struct buf text; /* text of the result it was applied to */
    int retryable;
    uint32_t retry_after_ms;
};

/* The newest error counts. */
void said_error_take(struct said_error *e, const struct attempt_error *error);
/* Rewrites a failure as the function described it; the result borrows from e. A success is left
 * alone. */
void said_error_apply(struct said_error *e, struct attempt_result *result);
void said_error_free(struct said_error *e);

/* Reads the value of "error"; false if its form is wrong. Decodes message into text. */
bool said_error_read(struct bytes value, struct buf *text, struct attempt_error *ret_error);

#endif
