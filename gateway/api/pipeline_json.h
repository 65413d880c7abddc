/* Stored pipelines: the bodies that clients send, and the answers about versions. Pure. */
#ifndef MARATHON_API_PIPELINE_JSON_H
#define MARATHON_API_PIPELINE_JSON_H

#include "api/query.h"

#define VERSIONS_LIMIT_DEFAULT 50

/* The body of PUT /pipelines/{name}: a pipeline object. Appends the definition to out: the body,
 * with the name from the path if it has none. An empty name means that a definition is only being
 * checked: it may then also be anything that `steps` of a start may be, or have no name, which
 * *ret_nameless reports. */
bool pipeline_body_parse(struct bytes body, struct bytes name, bool *ret_nameless, struct buf *out,
                         struct problem *ret_problem);
/* ?limit= &cursor= */
bool versions_query_parse(const struct query *q, struct versions_request *ret_request,
                          struct problem *ret_problem);
/* reply: MSG_VERSIONS. Appends {"items":[...],"next_cursor":...}. */
void versions_render(const struct message *reply, struct buf *out);
/* reply: MSG_PIPELINE_STORED. Appends {"name","version","created","step_count","hash"}, or after a
 * mere check {"valid":true,"name","step_count","hash"}. */
void stored_render(const struct message *reply, bool check_only, struct buf *out);

#endif
