/* Connections that have not sent anything yet. libwebsockets gets them with their first byte: it
 * allocates a table of headers for each at once, and walks all tables whenever a connection ends,
 * which would take seconds with thousands of silent ones. Loop's thread. */
#ifndef MARATHON_HTTP_LOBBY_H
#define MARATHON_HTTP_LOBBY_H

#include "http/listener.h"

struct lobby;

/* fn: called for a connection that has sent something. */
struct lobby *lobby_create(struct loop *loop, accepted_fn *fn, void *user);
/* The lobby owns fd until it passes it to fn, which happens within this call if data is there. */
void lobby_add(struct lobby *l, int fd);
size_t lobby_count(const struct lobby *l);
/* Closes those that have been silent for longer than silent_ms. */
void lobby_sweep(struct lobby *l, mono_ms silent_ms);
/* True if none has sent anything, and none is younger than silent_ms. */
bool lobby_quiet(const struct lobby *l, mono_ms silent_ms);
/* Shuts down our sending side of all of them. */
void lobby_end(struct lobby *l);

#endif
