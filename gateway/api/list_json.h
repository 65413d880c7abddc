/* Lists: tasks, workers, pipelines, merged from the answers of all coordinators. Pure.
 *
 * Tasks are in the order (created_at, task_id), newest first, as each coordinator gives them. A
 * cursor is opaque to clients: base64url of the place behind which the next page begins. */
#ifndef MARATHON_API_LIST_JSON_H
#define MARATHON_API_LIST_JSON_H

#include "api/query.h"

#define LIST_LIMIT_DEFAULT 50

/* ?status= &task_type= &limit= &cursor=. Borrows from the query, but for the cursor's id, which
 * goes to the arena. */
bool list_query_parse(const struct query *q, struct arena *arena, struct list_request *ret_request,
                      struct problem *ret_problem);

/* replies: MSG_LIST messages of distinct coordinators to the same request. Appends
 * {"items":[...],"next_cursor":...}. */
void tasks_render(const struct message *const *replies, size_t count, uint32_t limit,
                  struct buf *out);
/* replies: MSG_WORKERS. A worker is known to every coordinator: it is listed once, `busy` is the
 * sum of what they gave it. */
void workers_render(const struct message *const *replies, size_t count, struct buf *out);
/* reply: MSG_PIPELINES. */
void pipelines_render(const struct message *reply, struct buf *out);
/* The one of MSG_PIPELINES: its summary with the definition's own members. False where there is
 * none. */
bool pipeline_render(const struct message *reply, struct buf *out);

#endif
