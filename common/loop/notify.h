/* Tells the service manager that started the daemon about its state (systemd's notify protocol:
 * datagrams to the socket named by NOTIFY_SOCKET). Without that variable nothing happens. */
#ifndef MARATHON_LOOP_NOTIFY_H
#define MARATHON_LOOP_NOTIFY_H

#include "loop/loop.h"

/* The daemon is ready for work. If the manager runs a watchdog (WATCHDOG_USEC), a keep-alive is
 * sent from now on at half of that interval as long as the loop turns. Removes the variables from
 * the environment, so that no child can speak for us. Call once. */
void notify_ready(struct loop *l);
/* The drain has begun. */
void notify_stopping(void);

#endif
