/* A page of a fan-out step's items. Pure. */
#ifndef MARATHON_API_ITEMS_JSON_H
#define MARATHON_API_ITEMS_JSON_H

#include "api/body_plan.h"
#include "api/query.h"

#define ITEMS_LIMIT_DEFAULT 50

/* ?status= &limit= &cursor=. */
bool items_query_parse(const struct query *q, struct items_request *ret_request,
                       struct problem *ret_problem);
/* reply: MSG_ITEMS, in which the plan's payloads stay. Appends
 * {"items":[...],"total":n,"next_cursor":...}. */
void items_render(const struct message *reply, struct body_plan *plan);

#endif
