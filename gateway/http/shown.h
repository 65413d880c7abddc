/* What libwebsockets is shown in place of what a client has sent (intake.h). */
#ifndef MARATHON_HTTP_SHOWN_H
#define MARATHON_HTTP_SHOWN_H

#include "http/head.h"

#define SHOWN_BYTES_MAX 256        /* libwebsockets keeps this much for each connection */
#define SHOWN_PROTOCOL  "marathon" /* the protocol name of WebSockets */

/* Return the length; size is at least SHOWN_BYTES_MAX. */
size_t shown_request(uint8_t *bytes, size_t size);
size_t shown_handshake(const struct head *h, uint8_t *bytes, size_t size);

#endif
