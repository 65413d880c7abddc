#include "cli/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static struct doctor d;

static int tear_down(void **state)
{
    (void)state;
    doctor_free(&d);
    d = (struct doctor){0};
    return 0;
}

static struct doc *doc(const char *text)
{
    struct doc *out = NULL;
    assert_int_equal(doc_parse(bytes_str(text), &out, NULL), ERR_OK);
    return out;
}

static void found(size_t i, enum doctor_level level, const char *detail)
{
    assert_true(i < d.count);
    assert_string_equal((const char *)d.findings[i].detail.ptr, detail);
    assert_int_equal(d.findings[i].level, level);
    assert_int_equal(d.findings[i].advice.len > 0, level != DOCTOR_GOOD);
}

static void ready(int status, const char *body)
{
    struct doc *b = doc(body);
    doctor_ready(&d, status, doc_root(b));
    doc_free(b);
}

static void test_what_is_not_ready_is_named(void **state)
{
    (void)state;
    ready(503, "{\"detail\":\"not ready\",\"errors\":[{\"detail\":\"coordinator tcp://a:1 did not "
               "answer\"},{\"detail\":\"32 of 64 partitions have an owner\"}]}");
    assert_int_equal(d.count, 2);
    found(0, DOCTOR_FAULT, "coordinator tcp://a:1 did not answer");
    found(1, DOCTOR_FAULT, "32 of 64 partitions have an owner");
    ready(503, "{\"detail\":\"this gateway is shutting down\"}");
    found(2, DOCTOR_FAULT, "the gateway is not ready: this gateway is shutting down");
}

static void test_two_coordinators_on_redis_are_well(void **state)
{
    (void)state;
    ready(200, "{\"coordinators\":[{\"url\":\"a\",\"storage_backend\":\"redis\",\"detail\":\"\"},"
               "{\"url\":\"b\",\"storage_backend\":\"redis\",\"detail\":\"\"}],"
               "\"coordinators_configured\":2}");
    assert_int_equal(d.count, 1);
    found(0, DOCTOR_GOOD, "2 ready, all partitions owned");
    assert_int_equal(doctor_worst(&d), DOCTOR_GOOD);
}

static void test_a_lone_coordinator_on_memory_is_warned_of(void **state)
{
    (void)state;
    ready(200, "{\"coordinators\":[{\"url\":\"a\",\"storage_backend\":\"memory\","
               "\"detail\":\"the store is memory; no worker offers f\"}],"
               "\"coordinators_configured\":2}");
    assert_int_equal(d.count, 2);
    found(0, DOCTOR_WARNING, "coordinator a keeps its tasks in memory only");
    found(1, DOCTOR_WARNING, "1 of 2 coordinators are connected");
}

static void test_a_store_that_is_full_is_a_fault_and_one_that_may_lose_a_warning(void **state)
{
    (void)state;
    ready(200, "{\"coordinators\":[{\"url\":\"a\",\"storage_backend\":\"redis\","
               "\"starts_refused\":\"full\",\"detail\":\"full\"},"
               "{\"url\":\"b\",\"storage_backend\":\"redis\",\"store_warning\":\"everysec\","
               "\"detail\":\"everysec\"}],\"coordinators_configured\":2}");
    assert_int_equal(d.count, 2);
    found(0, DOCTOR_FAULT, "coordinator a: full");
    found(1, DOCTOR_WARNING, "coordinator b: everysec");
}

static void test_a_coordinator_that_cannot_be_reached_is_named_with_the_reason(void **state)
{
    (void)state;
    ready(200, "{\"coordinators\":[{\"url\":\"a\",\"storage_backend\":\"redis\"}],"
               "\"coordinators_configured\":2,"
               "\"unreachable\":[{\"url\":\"b\",\"detail\":\"unknown ca\"}]}");
    assert_int_equal(d.count, 1);
    found(0, DOCTOR_WARNING, "coordinator b cannot be reached: unknown ca");
}

static void test_missing_busy_and_lone_workers(void **state)
{
    (void)state;
    struct doc *none = doc("{\"items\":[],\"waiting\":[{\"function\":\"f\",\"steps\":3,"
                           "\"requires\":{\"gpu\":\"yes\",\"zone\":\"a\"}}]}");
    doctor_workers(&d, doc_root(none));
    doc_free(none);
    found(0, DOCTOR_FAULT, "3 steps wait: no worker offers f with the labels gpu=yes, zone=a");
    found(1, DOCTOR_FAULT, "no worker is ready (0 connected)");
    struct doc *busy = doc("{\"items\":[{\"state\":\"ready\",\"slots\":4,\"busy\":4},"
                           "{\"state\":\"draining\",\"slots\":4,\"busy\":0}]}");
    doctor_workers(&d, doc_root(busy));
    doc_free(busy);
    found(2, DOCTOR_WARNING, "all 4 slots are busy");
    struct doc *lone = doc("{\"items\":[{\"state\":\"ready\",\"slots\":4,\"busy\":1}]}");
    doctor_workers(&d, doc_root(lone));
    doc_free(lone);
    found(3, DOCTOR_WARNING, "only one worker: while it is away, no step runs");
    assert_int_equal(doctor_worst(&d), DOCTOR_FAULT);
}

static void test_workers_of_two_versions(void **state)
{
    (void)state;
    struct doc *workers = doc("{\"items\":["
                              "{\"state\":\"ready\",\"slots\":4,\"version\":\"0.1.0 (a)\"},"
                              "{\"state\":\"ready\",\"slots\":4,\"version\":null},"
                              "{\"state\":\"ready\",\"slots\":4,\"version\":\"0.1.0 (a)\"},"
                              "{\"state\":\"draining\",\"slots\":4,\"version\":\"0.2.0 (b)\"}]}");
    doctor_workers(&d, doc_root(workers));
    doc_free(workers);
    assert_int_equal(d.count, 1);
    found(0, DOCTOR_WARNING, "workers run 2 versions: 0.1.0 (a), 0.2.0 (b)");
}

static void test_a_pipeline_that_nobody_can_run(void **state)
{
    (void)state;
    struct doc *pipeline =
        doc("{\"name\":\"p\",\"steps\":[{\"name\":\"a\",\"function\":\"f\"},"
            "{\"name\":\"b\",\"function\":\"g\"},{\"name\":\"c\",\"wait\":{}},"
            "{\"name\":\"d\",\"function\":\"h\"},{\"name\":\"e\",\"function\":\"g\"}]}");
    struct doc *workers = doc("{\"items\":[{\"functions\":[\"echo\",\"f\"]}]}");
    doctor_pipeline(&d, doc_root(pipeline), doc_root(workers));
    doc_free(pipeline);
    doc_free(workers);
    assert_int_equal(d.count, 1);
    found(0, DOCTOR_WARNING, "p needs functions that no worker offers: g, h");
}

static void test_dead_letters(void **state)
{
    (void)state;
    struct doc *none = doc("{\"items\":[]}");
    struct doc *one = doc("{\"items\":[{\"task_id\":\"t\",\"name\":\"s\"}]}");
    doctor_dead_letters(&d, doc_root(none));
    doctor_dead_letters(&d, doc_root(one));
    doc_free(none);
    doc_free(one);
    found(0, DOCTOR_GOOD, "none");
    found(1, DOCTOR_WARNING, "there are dead letters; the newest: task t, step s");
}

static void test_findings_are_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < DOCTOR_FINDINGS_MAX + 5; i++) {
        doctor_find(&d, DOCTOR_WARNING, "x", "y", "%d", i);
    }
    assert_int_equal(d.count, DOCTOR_FINDINGS_MAX);
}

#define TEST(fn) cmocka_unit_test_teardown(fn, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_not_ready_is_named),
        TEST(test_two_coordinators_on_redis_are_well),
        TEST(test_a_lone_coordinator_on_memory_is_warned_of),
        TEST(test_a_store_that_is_full_is_a_fault_and_one_that_may_lose_a_warning),
        TEST(test_a_coordinator_that_cannot_be_reached_is_named_with_the_reason),
        TEST(test_missing_busy_and_lone_workers),
        TEST(test_workers_of_two_versions),
        TEST(test_a_pipeline_that_nobody_can_run),
        TEST(test_dead_letters),
        TEST(test_findings_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
