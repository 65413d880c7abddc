/* An answer whose body is a constant of this program. However slowly its client reads it, no memory
 * is held for it; so it does not count against the bounds of gateway.h, which clients without a key
 * could otherwise use up: anybody may ask for the API's description. Loop's thread. */
#ifndef MARATHON_GATEWAY_CONSTANT_H
#define MARATHON_GATEWAY_CONSTANT_H

#include "main/gateway.h"

/* Answers 200 with this JSON, which is not copied. */
void constant_answer(struct gateway *g, exchange_id id, struct bytes text);

#endif
