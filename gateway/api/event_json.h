/* The messages for watchers, on whose form clients rely: WebSocket texts and the data of
 * Server-Sent Events. Pure. */
#ifndef MARATHON_API_EVENT_JSON_H
#define MARATHON_API_EVENT_JSON_H

#include "api/body_plan.h"
#include "model/message.h"

/* One event. EVENT_TASK_COMPLETE gets "results":{} here; final_render makes the message with the
 * results. */
void event_render(struct bytes task_id, const struct task_event *e, struct buf *out);

/* Appends {"type":"initial_state","state":...,"seq":n}, unfinished. Further messages follow seq.
 * The final message of an ended task, which has the newest seq, is still to come, so for such a
 * task n is one less. */
uint64_t initial_state_seq(const struct task_view *v);
void initial_state_render(const struct task_view *v, struct body_plan *plan);

/* The final message of an ended task, made from its state alone, unfinished. */
void final_render(const struct task_view *v, struct body_plan *plan);
bool event_is_final(enum event_type type);

/* Tells a watcher that it has missed messages after `after`; initial_state follows. */
void gap_render(struct bytes task_id, uint64_t after, struct buf *out);

/* events: MSG_EVENTS, the answer to GET_HISTORY. Appends {"items":[messages],"next_cursor":text or
 * null,"missing":n} with at most `limit` messages. missing: older ones that are no longer kept. */
void history_render(const struct message *events, uint64_t after, uint32_t limit,
                    struct body_plan *plan);

#endif
