/* The listening socket: new connections come out of it as descriptors. Loop's thread. */
#ifndef MARATHON_HTTP_LISTENER_H
#define MARATHON_HTTP_LISTENER_H

#include "base/err.h"
#include "loop/loop.h"

struct listener;

/* A new connection, non-blocking: fd is the callee's. */
typedef void accepted_fn(void *user, int fd);

/* host: an address, or a name, of whose the first that can be had is taken. ERR_IO: cannot listen
 * there (in use, no permission). */
enum err MUST_CHECK listener_create(struct loop *loop, const char *host, int port, accepted_fn *fn,
                                    void *user, struct listener **ret_listener);
/* Takes connections again, after there was no descriptor for one. */
void listener_resume(struct listener *l);
/* Closes it without losing anyone: from now on nobody begins to connect (who asks is not answered,
 * asks again in a second, and is refused then), and who has begun is still let in,
 * LISTENER_SETTLE_MS long. It needs no privilege. Where the system does not know the way (gVisor),
 * it is closed at once: who connects between the last look at its queue and that is reset. */
void listener_stop(struct listener *l);
bool listener_is_closed(const struct listener *l);

/* A handshake that has begun is over by then, also where a packet of it was lost and sent again. */
#define LISTENER_SETTLE_MS 250

#endif
