#include "pair.h"

struct store_model store;
struct stage a, b;
peer_id gateway_a, gateway_b, worker_a, worker_b;

int pair_set_up(void **state)
{
    (void)state;
    stage_prepare(&a, &store, "a");
    stage_prepare(&b, &store, "b");
    a.config.standby = true; /* sharing has tests of its own */
    b.config.standby = true;
    stage_begin(&a);
    stage_begin(&b);
    gateway_a = stage_gateway(&a);
    gateway_b = stage_gateway(&b);
    worker_a = stage_worker(&a, "w", 1, "f");
    worker_b = stage_worker(&b, "w", 1, "f");
    return 0;
}

int pair_tear_down(void **state)
{
    (void)state;
    stage_close(&a);
    stage_close(&b);
    store_model_free(&store);
    return 0;
}

bool owns_all(const struct stage *s)
{
    return core_stats(s->core).partitions == UINT64_MAX;
}

void b_takes_over(void)
{
    while (!owns_all(&b)) {
        stage_time(&b, 10);
    }
}
