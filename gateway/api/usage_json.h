/* Usage: in a status, that of a task; in GET /usage, that of all tasks. Pure. */
#ifndef MARATHON_API_USAGE_JSON_H
#define MARATHON_API_USAGE_JSON_H

#include "api/query.h"
#include "model/usage_groups.h"

#define USAGE_DAYS_DEFAULT 30

/* Appends ,"usage":{sums,"models":[...],"without_cost"?:[models]} if anything was used. */
void usage_member_put(struct buf *out, const struct usage_part *parts, uint32_t count);
/* Appends {sums}, the value of the header Marathon-Usage, if anything was used. */
void usage_header_put(struct buf *out, const struct usage_part *parts, uint32_t count);
/* Appends ,"usage":{sums} if anything was used. */
void usage_sum_member_put(struct buf *out, const struct usage_sum *sum);

/* Appends ,"budget":{limits,"spent":{...},"without_cost"?:[models]} if the task has one. */
void budget_member_put(struct buf *out, const struct task_view *v);

/* ?group_by=model,task_type,day &since=2026-11-01 &until=2026-11-27 (both inclusive, UTC). Without
 * group_by one sum; without dates the last USAGE_DAYS_DEFAULT days up to today. */
bool usage_query_parse(const struct query *q, int32_t today, struct usage_request *ret_request,
                       struct problem *ret_problem);
/* replies: MSG_USAGE of distinct coordinators to that request. Appends the answer's body. */
void usage_render(const struct message *const *replies, size_t count,
                  const struct usage_request *request, struct buf *out);

#endif
