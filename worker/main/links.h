/* The coordinators that we dial: each place (transport/finder.h) with its dialer, its current
 * connection, and a pause after a coordinator has refused us. */
#ifndef MARATHON_MAIN_LINKS_H
#define MARATHON_MAIN_LINKS_H

#include "model/message.h"
#include "transport/finder.h"
#include "transport/transport.h"

struct links;

/* Borrows all arguments. */
struct links *links_create(struct loop *loop, struct transport *transport,
                           struct transport_handler handler);
/* Dials url, or all addresses of its name, at once and for ever. ERR_INVALID: not a URL that we
 * support. */
enum err MUST_CHECK links_dial(struct links *l, const char *url);
/* Appends "; url: why" for each place that could not be dialled, or where a certificate was
 * refused. */
void links_away_put(const struct links *l, struct buf *out);
size_t links_count(const struct links *l); /* places that are dialled now */
/* Call from the handler's opened and closed. */
void links_opened(struct links *l, conn_id conn, uint32_t dialer);
/* Records the id of the coordinator there. If another place leads to it too, that place is not
 * dialled while this connection lives: a coordinator keeps one connection per worker, the
 * newest. */
void links_welcomed(struct links *l, conn_id conn, struct bytes id);
/* Dials the coordinators in MSG_MEMBERS that are not known yet; forgets learned ones that it does
 * not name and that are not connected. */
void links_members(struct links *l, const struct message *members);
void links_closed(struct links *l, conn_id conn);
/* Closes a connection. retry_ms 0: the transport redials on its own; otherwise it is dialled after
 * that time. */
void links_close(struct links *l, conn_id conn, mono_ms retry_ms);

#endif
