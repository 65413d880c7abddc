/* One message of every type with every field set to something of its own, for round trips and as
 * seeds of the fuzzer. */
#ifndef MARATHON_TESTS_UNIT_WIRE_SAMPLES_H
#define MARATHON_TESTS_UNIT_WIRE_SAMPLES_H

#include "model/message.h"

extern const struct message samples[];
extern const size_t sample_count;

#endif
