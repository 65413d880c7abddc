/* A planned body as the answer to a request: small ones at once, large ones piece by piece as the
 * client takes them. Loop's thread. */
#ifndef MARATHON_GATEWAY_DOWNLOAD_H
#define MARATHON_GATEWAY_DOWNLOAD_H

#include "main/body_stream.h"

/* Takes over the plan's content. header: one more, its name NULL where there is none. */
void download_start(struct gateway *g, exchange_id id, struct snapshot *s, struct body_plan *plan,
                    struct http_header header);
/* The status of a snapshot. */
void download_status(struct gateway *g, exchange_id id, struct snapshot *s, bool results);

#endif
