/* Tests the audit of I21 on small stories: what it must report, and what it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "books.h"

static struct audit audit;
static struct world world;
static struct book_execution executions[8];
static struct conn conns[9], *all_conns[9];
static jmp_buf found;
static const struct attempt_ref attempt = {.task_id = {(const uint8_t *)"t", 1}, .run = 1};

/* The world's own ends the program. */
void violated(struct world *w, const char *invariant, const char *format, ...)
{
    (void)w;
    (void)format;
    assert_string_equal(invariant, "I21");
    longjmp(found, 1);
}

struct book_task *book_find(const struct audit *a, struct bytes id)
{
    return map_get(&a->tasks, id);
}

bool audit_fan_wants(const struct book_task *t, const struct book_outcome *o)
{
    (void)t;
    (void)o;
    return false; /* these stories have no items */
}

bool audit_fan_moved_on(const struct book_task *t, const struct book_outcome *o)
{
    (void)t;
    (void)o;
    return false;
}

/* Three coordinators and three workers, all connected for a long time. */
static int begin(void **state)
{
    (void)state;
    world = (struct world){.now = 100000, .worker_count = 3, .conns = all_conns, .conn_count = 9};
    audit = (struct audit){.world = &world, .executions = executions};
    memset(executions, 0, sizeof executions);
    for (uint32_t i = 0; i < 9; i++) {
        struct coordinator *c = &world.coordinators[i / 3];
        struct worker_host *h = &world.workers[i % 3];
        c->process.world = h->process.world = &world;
        c->process.alive = h->process.alive = true;
        h->index = i % 3;
        conns[i] =
            (struct conn){.ends = {&c->process, &h->process}, .hello = true, .hello_at = 1000};
        all_conns[i] = &conns[i];
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    audit_once_free(&audit);
    arena_free(&audit.arena);
    return 0;
}

static void out_of_touch(uint32_t coordinator, uint32_t worker)
{
    conns[3 * coordinator + worker].hole[0] = true;
}

static void claims(uint32_t coordinator)
{
    partition_id p = id_partition(attempt.task_id);
    world.now += 3000;
    audit.fences[p].epoch++;
    audit_once_claimed(&audit, &world.coordinators[coordinator], p);
}

static void orders(uint32_t coordinator, uint32_t worker)
{
    struct step_order o = {.ref = attempt};
    world.now += 1000;
    audit_once_ordered(&audit, &conns[3 * coordinator + worker], &o);
}

static void begins(uint32_t worker)
{
    struct step_order o = {.ref = attempt};
    audit_once_began(&audit, &world.workers[worker], &o, audit.execution_count++);
}

/* The first worker has an order of the previous owner; the second runs the same for the next
 * one. */
static void one_waits_and_another_runs(void)
{
    claims(0);
    orders(0, 0);
    claims(1);
    orders(1, 1);
    begins(1);
}

static void test_an_order_of_before_that_begins_though_its_owner_could_know_is_found(void **state)
{
    (void)state;
    one_waits_and_another_runs();
    if (setjmp(found) == 0) {
        begins(0);
        fail_msg("it begins unseen");
    }
}

static void the_first_begins_too(void)
{
    if (setjmp(found) != 0) {
        fail_msg("a false alarm");
    }
    begins(0);
}

static void test_one_that_was_out_of_touch_with_who_ordered_anew_may_begin(void **state)
{
    (void)state;
    out_of_touch(1, 0);
    one_waits_and_another_runs();
    the_first_begins_too();
}

/* The third owner has sent nothing: a worker that waits with an order of the first owner may begin
 * it before the third can tell it to stop. */
static void test_nor_is_it_the_fault_of_an_owner_that_came_after_that(void **state)
{
    (void)state;
    out_of_touch(1, 0);
    one_waits_and_another_runs();
    claims(2);
    the_first_begins_too();
}

static void test_nor_where_the_other_has_died_or_was_stopped(void **state)
{
    (void)state;
    claims(0);
    orders(0, 0);
    orders(0, 2);
    claims(1);
    orders(1, 1);
    begins(1);
    if (setjmp(found) != 0) {
        fail_msg("a false alarm");
    }
    executions[0].stopped = true;
    begins(0);
    executions[0].stopped = false;
    executions[1].stopped = true;
    world.workers[1].process.life++;
    begins(2);
}

static void stops(uint32_t coordinator, uint32_t worker)
{
    (void)audit_once_stops_wanted(&audit, &conns[3 * coordinator + worker], &attempt);
}

static void test_a_stop_of_what_is_wanted_and_another_has_not_is_found(void **state)
{
    (void)state;
    struct book_step step = {.state = STEP_PENDING};
    struct book_task task = {.run = 1, .steps = &step, .step_count = 1, .state = TASK_RUNNING};
    map_put(&audit.tasks, attempt.task_id, &task);
    claims(0);
    orders(0, 0);
    if (setjmp(found) != 0) {
        fail_msg("a false alarm");
    }
    step.deliveries = 1;
    stops(0, 0);
    step = (struct book_step){.state = STEP_COMPLETED};
    stops(0, 0);
    step.state = STEP_PENDING;
    orders(0, 1);
    stops(0, 0);
    audit_once_free(&audit);
    audit.once = NULL;
    orders(0, 0);
    if (setjmp(found) == 0) {
        stops(0, 0);
        fail_msg("it is told unseen");
    }
    map_free(&audit.tasks);
}

static void told(uint32_t worker, uint64_t epoch)
{
    partition_id p = id_partition(attempt.task_id);
    struct owned_epoch epochs[] = {{epoch}};
    struct message m = {
        .type = MSG_OWNED,
        .owned = {.partitions = (uint64_t)1 << p, .epochs = epochs, .epoch_count = 1}};
    audit_once_told(&audit, &world.workers[worker], &m);
}

static void obeys(uint32_t worker, uint32_t coordinator)
{
    audit_once_obeyed(&audit, &world.workers[worker], &conns[3 * coordinator + worker], &attempt);
}

static void test_a_stop_of_an_owner_of_before_that_the_worker_knows_of_is_found(void **state)
{
    (void)state;
    struct book_step step = {.state = STEP_PENDING};
    struct book_task task = {.run = 1, .steps = &step, .step_count = 1, .state = TASK_RUNNING};
    map_put(&audit.tasks, attempt.task_id, &task);
    claims(0);
    told(0, 1);
    claims(1);
    if (setjmp(found) != 0) {
        fail_msg("a false alarm");
    }
    obeys(0, 0); /* it has not heard of the next owner */
    told(0, 2);
    obeys(0, 1);
    told(0, 1);
    if (setjmp(found) == 0) {
        obeys(0, 0);
        fail_msg("it is obeyed unseen");
    }
    map_free(&audit.tasks);
}

static void test_a_failure_that_does_not_count_though_nobody_else_has_it_is_found(void **state)
{
    (void)state;
    struct book_step step = {.state = STEP_PENDING};
    struct book_task task = {.run = 1, .steps = &step, .step_count = 1, .state = TASK_RUNNING};
    const struct book_outcome o = {.task_id = attempt.task_id, .run = 1};
    map_put(&audit.tasks, attempt.task_id, &task);
    one_waits_and_another_runs();
    if (setjmp(found) != 0) {
        fail_msg("a false alarm");
    }
    audit_once_set_aside(&audit, &conns[4], &o);
    assert_true(executions[0].stopped);
    audit_once_free(&audit);
    audit.once = NULL;
    orders(0, 0);
    begins(0);
    if (setjmp(found) == 0) {
        audit_once_set_aside(&audit, &conns[0], &o);
        fail_msg("it is set aside unseen");
    }
    map_free(&audit.tasks);
}

static void test_an_order_to_another_while_the_first_runs_is_found(void **state)
{
    (void)state;
    claims(0);
    orders(0, 0);
    begins(0);
    claims(1);
    if (setjmp(found) == 0) {
        orders(1, 1);
        fail_msg("it is sent unseen");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_order_of_before_that_begins_though_its_owner_could_know_is_found),
        TEST(test_one_that_was_out_of_touch_with_who_ordered_anew_may_begin),
        TEST(test_nor_is_it_the_fault_of_an_owner_that_came_after_that),
        TEST(test_nor_where_the_other_has_died_or_was_stopped),
        TEST(test_a_stop_of_what_is_wanted_and_another_has_not_is_found),
        TEST(test_a_stop_of_an_owner_of_before_that_the_worker_knows_of_is_found),
        TEST(test_a_failure_that_does_not_count_though_nobody_else_has_it_is_found),
        TEST(test_an_order_to_another_while_the_first_runs_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
