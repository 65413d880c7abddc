/* Turns the end of a function's process into the result of its attempt: exit 0 with one JSON value
 * is a success; 65 is a permanent failure; everything else may be retried. Pure. */
#ifndef MARATHON_RUN_EXIT_RESULT_H
#define MARATHON_RUN_EXIT_RESULT_H

#include "agent/attempt.h"
#include "run/process.h"
#include "run/tail.h"

#define EXIT_PERMANENT 65 /* sysexits.h's EX_DATAERR */

/* A failure with text followed by the log's tail (tail may be NULL). The result borrows from
 * text. */
struct attempt_result result_failure(enum code code, bool permanent, struct buf *text,
                                     const struct tail *tail);
/* Checks that output is one JSON value of at most RESULT_BYTES_MAX. The result borrows from output
 * and text. */
struct attempt_result result_of_output(struct bytes output, struct buf *text,
                                       const struct tail *tail);
/* The same for a value that was checked already. */
struct attempt_result result_of_value(struct bytes value, struct buf *text,
                                      const struct tail *tail);
/* For a process that did not exit with 0, or never began. The message calls it program. */
struct attempt_result result_of_end(const struct process_end *end, const char *program,
                                    struct buf *text, const struct tail *tail);

#endif
