/* What a watcher is told of a task's state: the first message, or the last one, which carries the
 * results. Pure. */
#ifndef MARATHON_GATEWAY_STATE_MESSAGE_H
#define MARATHON_GATEWAY_STATE_MESSAGE_H

#include "api/body_plan.h"
#include "model/task_view.h"

/* As JSON, or as the lines of an event stream. Returns its seq. */
uint64_t state_message_plan(const struct task_view *v, bool final, bool lines,
                            struct body_plan *plan);

#endif
