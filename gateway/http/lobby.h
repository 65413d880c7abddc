/* Connections that have not said anything yet. libwebsockets is given them with their first byte:
 * it makes a table of headers for each at once, and looks through all tables at the end of each
 * connection, which thousands of silent ones would make seconds of. Loop's thread. */
#ifndef MARATHON_HTTP_LOBBY_H
#define MARATHON_HTTP_LOBBY_H

#include "http/listener.h"

struct lobby;

/* fn: of a connection that has something to say. */
struct lobby *lobby_create(struct loop *loop, accepted_fn *fn, void *user);
/* fd is the lobby's, until fn is given it: within this call where it has said something already. */
void lobby_add(struct lobby *l, int fd);
size_t lobby_count(const struct lobby *l);
/* Closes those that have been silent for longer than that. */
void lobby_sweep(struct lobby *l, mono_ms silent_ms);
/* None has said anything, and none is younger than that. */
bool lobby_quiet(const struct lobby *l, mono_ms silent_ms);
/* Tells all of them that nothing comes any more. */
void lobby_end(struct lobby *l);

#endif
