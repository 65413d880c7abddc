/* An answer that lies in this program: however little its client takes, nothing of it is kept for
 * that. So it needs no room among those that are (gateway.h), of which who has no key could take
 * all: anybody may ask for the API's description. Loop's thread. */
#ifndef MARATHON_GATEWAY_CONSTANT_H
#define MARATHON_GATEWAY_CONSTANT_H

#include "main/gateway.h"

/* 200, with this JSON, which stays where it is. */
void constant_answer(struct gateway *g, exchange_id id, struct bytes text);

#endif
