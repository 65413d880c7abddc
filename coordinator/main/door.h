/* Where workers and gateways come in, and who of them may. */
#ifndef MARATHON_COORDINATOR_DOOR_H
#define MARATHON_COORDINATOR_DOOR_H

#include <stdbool.h>

#include "conf/conf.h"
#include "model/message.h"
#include "transport/transport.h"

/* Before anything is begun: prints what is wrong and exits with 78 where one of
 * MARATHON_COORDINATOR_LISTEN is reached by other machines, in plain text, without
 * MARATHON_INSECURE_LISTEN. */
void door_check(const struct conf *conf);
/* Listens at all of them. Exits with 1 where it cannot. */
void door_open(struct transport *t, const struct conf *conf, struct transport_handler handler);

/* unit: the OU of its certificate. "marathon-worker" is only ever a worker, and so on; a
 * certificate without such a unit, or none at all, is what it says it is. Pure. */
bool door_admits(const char *unit, enum role role);

#endif
