/* A task with its checkpoint document, as a coordinator would have them: for the tests of what
 * clients see of it. */
#ifndef MARATHON_TESTS_UNIT_API_SAMPLE_TASK_H
#define MARATHON_TESTS_UNIT_API_SAMPLE_TASK_H

#include "api/body_plan.h"
#include "json/doc.h"
#include "model/message.h"

#define SAMPLE_STEPS_MAX 8

struct sample_task {
    struct task_view view;
    struct step_view steps[SAMPLE_STEPS_MAX];
    struct buf doc; /* the document so far, without its tail */
};

/* Running, with steps s0, s1, ... none of which has completed. */
void sample_init(struct sample_task *t, uint32_t steps);
void sample_free(struct sample_task *t);
/* A step completes: its result is appended to the document. */
void sample_complete(struct sample_task *t, uint32_t step, const char *result);
/* What the document looks like once another step was added behind: '}' has become ','. */
void sample_grow(struct sample_task *t);
/* The plan's body over the document, parsed; the plan is freed. */
struct doc *sample_parse(const struct sample_task *t, struct body_plan *plan);

#endif
