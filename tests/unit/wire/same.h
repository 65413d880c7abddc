/* Holds two messages against each other field by field, written independently of the layouts that
 * it checks. */
#ifndef MARATHON_TESTS_UNIT_WIRE_SAME_H
#define MARATHON_TESTS_UNIT_WIRE_SAME_H

#include "model/message.h"

/* Fails the cmocka test at the first difference. */
void assert_same_message(const struct message *a, const struct message *b);

#endif
