/* How names of tasks leave the lists in Redis: with renewals, once their tasks
 * are gone. */
#include <stdio.h>

#include "model/limits.h"
#include "store_cases.h"
#include "store_world.h"

#define PASSED_MS 1100 /* a TTL of one second */

/* Of t1's partition. */
static long long listed(struct world *w, const char *which)
{
    return raw(w->server, "ZCARD marathon:%s:p%02u", which, id_partition(BYTES_LIT("t1")))->integer;
}

/* What the core writes once a second; ttl_s: how long it keeps ended tasks. */
static void renew(struct world *w, uint32_t ttl_s)
{
    struct store_row row = {.kind = ROW_RENEW,
                            .partition = id_partition(BYTES_LIT("t1")),
                            .fence = w->fence,
                            .ttl_s = ttl_s};
    assert_int_equal(world_verdict(w, row), STORE_OK);
}

static void admit(struct world *w, const char *id)
{
    assert_int_equal(world_verdict(w, row_admit(w, id)), STORE_OK);
}

/* For a second. */
static void end_briefly(struct world *w, const char *id)
{
    struct store_row end = row_end(w, id, 1);
    end.ttl_s = 1;
    end.dead = BYTES_LIT("a dead letter");
    end.dead_at = 1770000000000;
    assert_int_equal(world_verdict(w, end), STORE_OK);
}

void test_expired_tasks_leave_the_list_with_renewals(void **state)
{
    struct world *w = *state;
    admit(w, "t1");
    assert_int_equal(world_verdict(w, row_end(w, "t1", 1)), STORE_OK);
    renew(w, 0);
    assert_int_equal(listed(w, "list"), 1); /* not expired */
    admit(w, "t1");
    end_briefly(w, "t1");
    world_pass(w, PASSED_MS);
    struct store_read list = {
        .kind = READ_LIST, .partitions = UINT64_MAX, .before = NEVER_MS, .limit = 10};
    assert_int_equal(world_read(w, list)->task_count, 0); /* not shown although not yet swept */
    assert_int_equal(listed(w, "list"), 1);
    assert_int_equal(listed(w, "dead"), 1);
    renew(w, 0);
    assert_int_equal(listed(w, "list"), 0);
    assert_int_equal(listed(w, "dead"), 0);
}

void test_a_task_admitted_again_where_one_has_expired_stays_in_the_list(void **state)
{
    struct world *w = *state;
    admit(w, "t1");
    end_briefly(w, "t1");
    world_pass(w, PASSED_MS);
    admit(w, "t1");
    renew(w, 0);
    assert_int_equal(listed(w, "list"), 1);
    renew(w, 0);
    assert_int_equal(listed(w, "list"), 1);
}

void test_tasks_too_young_to_have_expired_are_not_looked_at(void **state)
{
    struct world *w = *state;
    struct store_row row = row_admit(w, "t1");
    row.created_at = clock_now().wall - 30000;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    raw(w->server, "DEL marathon:task:t1");
    renew(w, 60);
    assert_int_equal(listed(w, "list"), 1);
    renew(w, 20);
    assert_int_equal(listed(w, "list"), 0);
}

/* The n-th id of t1's partition, from 0. */
static const char *neighbour(struct world *w, uint32_t n)
{
    for (uint32_t i = 0;; i++) {
        char *id = arena_printf(&w->arena, "n%u", i);
        if (id_partition(bytes_str(id)) == id_partition(BYTES_LIT("t1")) && n-- == 0) {
            return id;
        }
    }
}

static void make_neighbours(struct world *w, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct store_row row = row_admit(w, neighbour(w, i));
        row.created_at = 1000 + i;
        assert_int_equal(world_verdict(w, row), STORE_OK);
    }
}

static void drop_neighbours(struct world *w, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        raw(w->server, "DEL marathon:task:%s", neighbour(w, i));
    }
}

void test_the_sweep_comes_to_all_and_stays_where_it_finds_some(void **state)
{
    struct world *w = *state;
    world_own(w, "t1");
    renew(w, 0);             /* it begins anew */
    make_neighbours(w, 200); /* a bite is 64 */
    drop_neighbours(w, 150, 151);
    drop_neighbours(w, 199, 200);
    renew(w, 0);
    renew(w, 0);
    assert_int_equal(listed(w, "list"), 200);
    renew(w, 0); /* 128 to 191, and, since one of those was gone, the rest */
    assert_int_equal(listed(w, "list"), 198);
    drop_neighbours(w, 0, 2);
    drop_neighbours(w, 63, 140);
    renew(w, 0); /* on from 64: what has moved up into the place of those that went, too */
    assert_int_equal(listed(w, "list"), 198 - 76);
    renew(w, 0);
    assert_int_equal(listed(w, "list"), 198 - 79);
    for (uint32_t i = 2; i < 63; i++) {
        assert_non_null(raw(w->server, "ZSCORE marathon:list:p%02u %s",
                            id_partition(BYTES_LIT("t1")), neighbour(w, i))
                            ->str);
    }
}

/* An error document and items, as a failed task may have. */
static void admit_with_sides(struct world *w, const char *id)
{
    struct bytes value = BYTES_LIT("{}");
    struct items_change make = {.kind = ITEMS_MAKE, .step = 0, .values = &value, .count = 1};
    struct store_row row = row_admit(w, id);
    row.error_doc = BYTES_LIT("{\"error\":\"of a step\"}");
    row.items = &make;
    row.items_count = 1;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    assert_int_equal(raw(w->server, "EXISTS error:t1 marathon:items:t1")->integer, 2);
}

void test_an_admission_finds_nothing_of_a_task_that_was_deleted_in_part(void **state)
{
    struct world *w = *state;
    for (int swept = 0; swept < 2; swept++) {
        admit_with_sides(w, "t1");
        raw(w->server, "DEL checkpoint:t1 marathon:task:t1");
        if (swept == 1) {
            renew(w, 0);
        }
        admit(w, "t1");
        assert_int_equal(raw(w->server, "EXISTS error:t1 marathon:items:t1")->integer, 0);
        assert_int_equal(world_verdict(w, row_end(w, "t1", 1)), STORE_OK);
    }
    /* Nor of one that has ended, although its name is in no list. */
    admit_with_sides(w, "t1");
    assert_int_equal(world_verdict(w, row_end(w, "t1", 1)), STORE_OK);
    raw(w->server, "DEL marathon:list:p%02u", id_partition(BYTES_LIT("t1")));
    admit(w, "t1");
    assert_int_equal(raw(w->server, "EXISTS error:t1 marathon:items:t1")->integer, 0);
}

void test_what_coordinators_of_before_kept_of_ended_tasks_goes_with_a_claim(void **state)
{
    struct world *w = *state;
    partition_id p = id_partition(BYTES_LIT("t1"));
    raw(w->server, "ZADD marathon:ended:p%02u 1 t1", p);
    admit(w, "t1");
    assert_int_equal(raw(w->server, "EXISTS marathon:ended:p%02u", p)->integer, 0);
}
