/* The messages that watchers get, whose forms clients rely on: WebSocket texts and the data of
 * Server-Sent Events. Pure. */
#ifndef MARATHON_API_EVENT_JSON_H
#define MARATHON_API_EVENT_JSON_H

#include "api/body_plan.h"
#include "model/message.h"

/* One event. EVENT_TASK_COMPLETE comes with "results":{} here: final_render is the one that carries
 * them. */
void event_render(struct bytes task_id, const struct task_event *e, struct buf *out);

/* {"type":"initial_state","state":...,"seq":n}, unfinished. seq is the one behind which messages go
 * on: of an ended task its final message (which has the newest seq) is still to come, so it is one
 * less there. */
uint64_t initial_state_seq(const struct task_view *v);
void initial_state_render(const struct task_view *v, struct body_plan *plan);

/* The final message of an ended task, made from its state alone, unfinished. */
void final_render(const struct task_view *v, struct body_plan *plan);
bool event_is_final(enum event_type type);

/* Says that messages behind `after` are lost to this watcher; initial_state follows. */
void gap_render(struct bytes task_id, uint64_t after, struct buf *out);

/* MSG_EVENTS, an answer to GET_HISTORY: {"items":[messages],"next_cursor":text or null,"missing":n}
 * with at most `limit` of them. missing: older ones that are no longer kept. */
void history_render(const struct message *events, uint64_t after, uint32_t limit,
                    struct body_plan *plan);

#endif
