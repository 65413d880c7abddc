/* The error that a function says of itself, in a line of its news or the body of an HTTP error:
 * {"error":{"code","message","retryable","retry_after"}}. It counts where the attempt fails. Pure.
 */
#ifndef MARATHON_RUN_SAID_ERROR_H
#define MARATHON_RUN_SAID_ERROR_H

#include "agent/attempt.h"

/* Zero-initialise it; said_error_free when done. */
struct said_error {
    bool given;
    struct buf code, message;
    struct buf text; /* of the result it was applied to */
    int retryable;
    uint32_t retry_after_ms;
};

/* The newest one counts. */
void said_error_take(struct said_error *e, const struct attempt_error *error);
/* Changes a failure into what was said of it; the result borrows from e. A success stays one. */
void said_error_apply(struct said_error *e, struct attempt_result *result);
void said_error_free(struct said_error *e);

/* Reads the value of "error": false where it has another form. message is decoded into text. */
bool said_error_read(struct bytes value, struct buf *text, struct attempt_error *ret_error);

#endif
