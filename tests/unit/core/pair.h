/* Two coordinators on one store, each with a clock of its own that the tests move. All partitions
 * are a's at first, and b watches; a gateway and a worker are connected to both. */
#ifndef MARATHON_TESTS_CORE_PAIR_H
#define MARATHON_TESTS_CORE_PAIR_H

#include "stage.h"

#define ONE "[{\"name\":\"one\",\"function\":\"f\"}]"
#define TWO "[{\"name\":\"one\",\"function\":\"f\"},{\"name\":\"two\",\"function\":\"f\"}]"

extern struct store_model store;
extern struct stage a, b;
extern peer_id gateway_a, gateway_b, worker_a, worker_b;

int pair_set_up(void **state);
int pair_tear_down(void **state);

bool owns_all(const struct stage *s);
/* Time passes at b only, until it has taken over what is a's. */
void b_takes_over(void);

#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, pair_set_up, pair_tear_down)

#endif
