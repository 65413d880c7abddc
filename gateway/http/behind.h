/* What libwebsockets has read of a connection beyond the request that it gave us: it keeps that in
 * a list (a buflist) of its own, and goes on with it after the answer.
 *
 * A request with a body is more than it can do that with: lws_http_action (4.1.6) takes all of the
 * list for the body, the request's own head first, and frees the list under the hands of who is
 * reading that head; with more in it than the body is long, it does so for ever. Where the list is
 * empty, all is well. So it is put aside between the head and the body, and back before
 * libwebsockets strikes off what it has read: its functions take a list by the address of its first
 * element, and that address is found here, since we are its allocator. Where it cannot be found (a
 * version that calls its elements otherwise), such a request ends its connection. Loop's thread. */
#ifndef MARATHON_HTTP_BEHIND_H
#define MARATHON_HTTP_BEHIND_H

#include <libwebsockets.h>

/* From its allocator. */
void behind_born(void *block, const char *reason);
void behind_gone(void *block);
/* Where wsi holds its list; NULL where that is empty. */
struct lws_buflist **behind_of(struct lws *wsi);

#endif
