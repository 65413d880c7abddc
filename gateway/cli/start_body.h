/* Makes the body of POST /start from the command line's options. Pure. */
#ifndef MARATHON_CLI_START_BODY_H
#define MARATHON_CLI_START_BODY_H

#include "cli/args.h"

struct start_body {
    const char *pipeline;   /* NULL = none: inline steps only */
    const char *task_id;    /* NULL = the server makes one */
    const char *session_id; /* NULL = none */
    struct bytes input;     /* JSON, empty = none */
    struct bytes budget;    /* likewise */
    struct bytes steps; /* JSON array, or a whole definition with a member "steps"; empty = none */
    int64_t version, priority, max_retries; /* these and the next: START_UNSET = not given */
    int64_t max_duration_s, checkpoint_interval_s;
    bool no_checkpoints;
};

#define START_UNSET INT64_MIN

/* ERR_INVALID if `steps` has neither form; ret_message (appended) says why. */
enum err MUST_CHECK start_body_write(const struct start_body *b, struct buf *out,
                                     struct buf *ret_message);

#endif
