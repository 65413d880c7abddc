/* The heartbeat: a thread that sends BEAT every 500 ms to the coordinators that have welcomed us,
 * with the age of the loop's last turn. So coordinators can tell a busy loop from a dead worker. */
#ifndef MARATHON_MAIN_HEART_H
#define MARATHON_MAIN_HEART_H

#include "loop/loop.h"
#include "transport/transport.h"

#define HEART_BEAT_MS 500

struct heart;

/* Borrows both until heart_destroy. */
struct heart *heart_create(struct loop *loop, struct transport *transport);
/* Loop's thread. Connections beyond HEART_CONNS_MAX are ignored. */
void heart_add(struct heart *h, conn_id conn);
void heart_remove(struct heart *h, conn_id conn);
/* Joins the thread: no beat is sent afterwards. */
void heart_destroy(struct heart *h);

#endif
