/* The listening socket: turns new connections into descriptors. Loop's thread. */
#ifndef MARATHON_HTTP_LISTENER_H
#define MARATHON_HTTP_LISTENER_H

#include "base/err.h"
#include "loop/loop.h"

struct listener;

/* A new connection, non-blocking; the callee owns fd. */
typedef void accepted_fn(void *user, int fd);

/* host: an address, or a name, of which the first address that works is used. ERR_IO: cannot listen
 * there (in use, no permission). */
enum err MUST_CHECK listener_create(struct loop *loop, const char *host, int port, accepted_fn *fn,
                                    void *user, struct listener **ret_listener);
/* Accepts connections again, after there was no descriptor for one. */
void listener_resume(struct listener *l);
/* Closes it without losing anyone: from now on no client can begin to connect (its SYN is not
 * answered; it retries after a second, and is refused then), but those that have begun are let in
 * for LISTENER_SETTLE_MS. Needs no privilege. On systems that do not support this (gVisor) it
 * closes at once: clients that connect between the last look at the queue and the close are
 * reset. */
void listener_stop(struct listener *l);
bool listener_is_closed(const struct listener *l);

/* By then a handshake in progress is complete, even if a packet of it was lost and sent again. */
#define LISTENER_SETTLE_MS 250

#endif
