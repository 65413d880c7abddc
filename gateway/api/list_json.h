/* Lists of tasks, workers and pipelines, merged from the answers of all coordinators. Pure.
 *
 * Tasks are ordered by (created_at, task_id), newest first, as each coordinator sends them. A
 * cursor is opaque to clients: base64url of the place after which the next page begins. */
#ifndef MARATHON_API_LIST_JSON_H
#define MARATHON_API_LIST_JSON_H

#include "api/query.h"

#define LIST_LIMIT_DEFAULT 50

/* ?status= &task_type= &limit= &cursor=. Borrows from the query, except for the cursor's id, which
 * goes to the arena. */
bool list_query_parse(const struct query *q, struct arena *arena, struct list_request *ret_request,
                      struct problem *ret_problem);

/* replies: MSG_LIST messages of distinct coordinators to the same request. Appends
 * {"items":[...],"next_cursor":...}. */
void tasks_render(const struct message *const *replies, size_t count, uint32_t limit,
                  struct buf *out);
/* replies: MSG_WORKERS. Every coordinator knows every worker: each is listed once, and `busy` is
 * the sum over the coordinators. */
void workers_render(const struct message *const *replies, size_t count, struct buf *out);
/* reply: MSG_PIPELINES. */
void pipelines_render(const struct message *reply, struct buf *out);
/* reply: MSG_PIPELINES. Appends the summary of its pipeline with the definition's own members.
 * False if it has none. */
bool pipeline_render(const struct message *reply, struct buf *out);

#endif
