/* Renders a task's view as the JSON that clients see: status, checkpoints, results. Results are
 * embedded as slices of the checkpoint document, and progress checkpoints from where they lie in
 * the view (body_plan.h), without being parsed. Pure. */
#ifndef MARATHON_API_STATUS_JSON_H
#define MARATHON_API_STATUS_JSON_H

#include "api/body_plan.h"
#include "model/message.h"

/* If all results exceed this size, accumulated_results of each checkpoint is {}, since they would
 * repeat each other. */
#define CHECKPOINT_RESULTS_BYTES_MAX (1u << 20)
/* Bound on what all checkpoints of one answer repeat together: 5,000 small steps would repeat
 * themselves into gigabytes. */
#define CHECKPOINT_COPIES_BYTES_MAX (64u << 20)

#define ETAG_BYTES 48

/* Each appends to the plan, without finishing it. results false: omits accumulated_results and each
 * result. */
void status_render(const struct task_view *v, bool results, struct body_plan *plan);
void checkpoints_render(const struct task_view *v, bool results, struct body_plan *plan);
/* Only the results object. */
void results_render(const struct task_view *v, struct body_plan *plan);

/* "<run>-<seq>" with its quotes; returns text. */
char *status_etag(const struct task_view *v, char text[ETAG_BYTES]);
/* Does an If-None-Match match this state? Understands lists, weak tags and *; a bare "<seq>"
 * matches as well. */
bool status_etag_matches(const struct task_view *v, struct bytes if_none_match);

/* Helpers that the other renderers share; all append. */
void json_put_member(struct buf *out, const char *name, struct bytes text); /* ,"name":"text" */
void json_put_member_or_null(struct buf *out, const char *name,
                             struct bytes text); /* null if empty */
/* ,"progress_checkpoint": the checkpoint or null; its size if there is one. */
void json_put_checkpoint(struct buf *out, struct bytes checkpoint, uint32_t bytes);
void checkpoint_plan(struct body_plan *plan, struct bytes checkpoint, uint32_t bytes);
void json_put_time(struct buf *out, const char *name, unix_ms t); /* null if 0 */

#endif
