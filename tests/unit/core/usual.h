/* The stage that most tests of the core play on: one coordinator "a" and a gateway; with
 * USUAL_SLOTS defined before, a worker "w" of so many slots that offers USUAL_FUNCTIONS ("f"). */
#ifndef MARATHON_TESTS_CORE_USUAL_H
#define MARATHON_TESTS_CORE_USUAL_H

#include "stage.h"

#ifndef USUAL_FUNCTIONS
#define USUAL_FUNCTIONS "f"
#endif

static struct store_model store;
static struct stage s;
static peer_id gateway;
#ifdef USUAL_SLOTS
static peer_id worker;
#endif

static int set_up(void **state)
{
    (void)state;
    stage_open(&s, &store, "a");
    gateway = stage_gateway(&s);
#ifdef USUAL_SLOTS
    worker = stage_worker(&s, "w", USUAL_SLOTS, USUAL_FUNCTIONS);
#endif
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stage_close(&s);
    store_model_free(&store);
    return 0;
}

#endif
