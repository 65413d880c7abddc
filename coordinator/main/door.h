/* Where workers and gateways come in, and who of them may. */
#ifndef MARATHON_COORDINATOR_DOOR_H
#define MARATHON_COORDINATOR_DOOR_H

#include <stdbool.h>

#include "conf/conf.h"
#include "model/message.h"
#include "transport/transport.h"

/* Listens at all of MARATHON_COORDINATOR_LISTEN. Prints what is wrong and exits: 78 for one that
 * other machines reach in plain text without MARATHON_INSECURE_LISTEN, 1 where it cannot listen. */
void door_open(struct transport *t, const struct conf *conf, struct transport_handler handler);

/* unit: the OU of its certificate. "marathon-worker" is only ever a worker, and so on; a
 * certificate without such a unit, or none at all, is what it says it is. Pure. */
bool door_admits(const char *unit, enum role role);

#endif
