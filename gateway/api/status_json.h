/* A task's view -> the JSON that clients see: status, checkpoints, results. Results are embedded as
 * slices of the checkpoint document, progress checkpoints where they lie in the view (body_plan.h),
 * never looked at. Pure. */
#ifndef MARATHON_API_STATUS_JSON_H
#define MARATHON_API_STATUS_JSON_H

#include "api/body_plan.h"
#include "model/message.h"

/* Past this size of all results a checkpoint's accumulated_results is {}: they would repeat each
 * other. */
#define CHECKPOINT_RESULTS_BYTES_MAX (1u << 20)
/* And all checkpoints of one answer together repeat at most so much: 5,000 small steps would repeat
 * themselves into gigabytes. */
#define CHECKPOINT_COPIES_BYTES_MAX (64u << 20)

#define ETAG_BYTES 48

/* Each appends to the plan, without finishing it. results false: leaves accumulated_results and
 * each result out. */
void status_render(const struct task_view *v, bool results, struct body_plan *plan);
void checkpoints_render(const struct task_view *v, bool results, struct body_plan *plan);
/* The results object alone. */
void results_render(const struct task_view *v, struct body_plan *plan);

/* "<run>-<seq>" with its quotes; returns text. */
char *status_etag(const struct task_view *v, char text[ETAG_BYTES]);
/* Does an If-None-Match name this state? Lists, weak tags and * are understood; a bare "<seq>"
 * matches as well. */
bool status_etag_matches(const struct task_view *v, struct bytes if_none_match);

/* Appending helpers that the other renderers share. */
void json_put_member(struct buf *out, const char *name, struct bytes text); /* ,"name":"text" */
void json_put_member_or_null(struct buf *out, const char *name,
                             struct bytes text); /* null where empty */
/* ,"progress_checkpoint": itself or null; its size where there is one. */
void json_put_checkpoint(struct buf *out, struct bytes checkpoint, uint32_t bytes);
void checkpoint_plan(struct body_plan *plan, struct bytes checkpoint, uint32_t bytes);
void json_put_time(struct buf *out, const char *name, unix_ms t); /* null where 0 */

#endif
