/* What a watcher is told of a task's state: the first message, or the last one, which carries the
 * results. Pure. */
#ifndef MARATHON_GATEWAY_STATE_MESSAGE_H
#define MARATHON_GATEWAY_STATE_MESSAGE_H

#include "api/body_plan.h"
#include "main/feed.h"
#include "model/task_view.h"

enum state_message {
    STATE_FIRST, /* initial_state */
    STATE_FINAL, /* task_complete, task_error or task_cancelled */
};

/* Plans it as JSON (FORM_FRAMES) or as the lines of an event stream (FORM_LINES); returns the seq
 * behind which messages go on. */
uint64_t state_message_plan(const struct task_view *v, enum state_message which,
                            enum feed_form form, struct body_plan *plan);

#endif
