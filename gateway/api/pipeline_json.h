/* Stored pipelines: what clients put, and what they are told of versions. Pure. */
#ifndef MARATHON_API_PIPELINE_JSON_H
#define MARATHON_API_PIPELINE_JSON_H

#include "api/query.h"

#define VERSIONS_LIMIT_DEFAULT 50

/* The body of PUT /pipelines/{name}: a pipeline object. Appends the definition to out: the body,
 * with the name of the path where it has none. name is empty: of a definition that is only checked,
 * which may be what a start's `steps` may be, too, or have no name, which *ret_nameless then says.
 */
bool pipeline_body_parse(struct bytes body, struct bytes name, bool *ret_nameless, struct buf *out,
                         struct problem *ret_problem);
/* ?limit= &cursor= */
bool versions_query_parse(const struct query *q, struct versions_request *ret_request,
                          struct problem *ret_problem);
/* reply: MSG_VERSIONS. Appends {"items":[...],"next_cursor":...}. */
void versions_render(const struct message *reply, struct buf *out);
/* reply: MSG_PIPELINE_STORED. Appends {"name","version","created","step_count","hash"}, or of a
 * mere check {"valid":true,"name","step_count","hash"}. */
void stored_render(const struct message *reply, bool check_only, struct buf *out);

#endif
