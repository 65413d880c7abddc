/* What a daemon tells the service manager that started it (systemd's notify protocol: datagrams to
 * the socket that NOTIFY_SOCKET names). Without such a socket nothing happens. */
#ifndef MARATHON_LOOP_NOTIFY_H
#define MARATHON_LOOP_NOTIFY_H

#include "loop/loop.h"

/* Ready for work. From now on, where the manager watches (WATCHDOG_USEC), a sign of life at half of
 * that time as long as the loop turns. The variables are taken out of the environment: no child may
 * speak for us. Once. */
void notify_ready(struct loop *l);
/* The drain has begun. */
void notify_stopping(void);

#endif
