/* From the end of a function's process to the result of its attempt: exit 0 and one JSON value is a
 * success; 65 is permanent; everything else may be tried again. Pure. */
#ifndef MARATHON_RUN_EXIT_RESULT_H
#define MARATHON_RUN_EXIT_RESULT_H

#include "agent/attempt.h"
#include "run/process.h"
#include "run/tail.h"

#define EXIT_PERMANENT 65 /* sysexits.h's EX_DATAERR */

/* A failure with text and the log's tail behind it (tail may be NULL). The result borrows from
 * text. */
struct attempt_result result_failure(enum code code, bool permanent, struct buf *text,
                                     const struct tail *tail);
/* output checked to be one JSON value of at most RESULT_BYTES_MAX. The result borrows from output
 * and text. */
struct attempt_result result_of_output(struct bytes output, struct buf *text,
                                       const struct tail *tail);
/* The same of a value that was checked already. */
struct attempt_result result_of_value(struct bytes value, struct buf *text,
                                      const struct tail *tail);
/* A process that did not exit with 0 (or never began). program is what the message calls it. */
struct attempt_result result_of_end(const struct process_end *end, const char *program,
                                    struct buf *text, const struct tail *tail);

#endif
