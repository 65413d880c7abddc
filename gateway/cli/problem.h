/* What went wrong, for people: what, why, what to do. Pure.
 *
 *   marathon: cannot start the task: There is no such pipeline (UNKNOWN_PIPELINE, HTTP 422)
 *     why: no pipeline is called "foo"
 *      at: /task_type: no such pipeline
 *      do: `marathon pipelines` lists the names there are */
#ifndef MARATHON_CLI_PROBLEM_H
#define MARATHON_CLI_PROBLEM_H

#include "base/bytes.h"
#include "cli/exit.h"
#include "model/code.h"

struct problem {
    const char *doing; /* "start the task" */
    int http_status;
    struct bytes body; /* problem+json; anything else is shown as it is, cut */
};

/* CODE_NONE if the body has no code that this version knows. */
enum code problem_code(struct bytes body);
enum cli_exit problem_exit(int http_status, enum code code);
void problem_write(struct buf *out, const struct problem *p);

#endif
