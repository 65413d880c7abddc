#include "cli/dev_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct dev_options some = {.port = 8123,
                                        .workers = 2,
                                        .slots = 3,
                                        .redis_server = "/usr/bin/redis-server",
                                        .bin_dir = "/opt/bin",
                                        .run_dir = "/tmp/run",
                                        .pipelines = "/p",
                                        .functions = {"/a.json", "/b.json"},
                                        .function_count = 2};

static bool has_env(const struct dev_program *p, const char *setting)
{
    for (const char *const *e = p->env; *e != NULL; e++) {
        if (strcmp(*e, setting) == 0) {
            return true;
        }
    }
    return false;
}

static void test_programs_start_in_the_order_in_which_they_need_each_other(void **state)
{
    (void)state;
    struct dev_plan plan;
    static const char *const labels[] = {"redis", "coordinator", "worker-1", "worker-2", "gateway"};
    dev_plan_make(&some, &plan);
    assert_int_equal(plan.count, 5);
    for (size_t i = 0; i < plan.count; i++) {
        assert_string_equal(plan.programs[i].label, labels[i]);
        assert_true(i == 0 || plan.programs[i].role >= plan.programs[i - 1].role);
    }
    assert_string_equal(plan.url, "http://127.0.0.1:8123");
    dev_plan_free(&plan);
}

static void test_settings_lead_each_program_to_the_next(void **state)
{
    (void)state;
    struct dev_plan plan;
    dev_plan_make(&some, &plan);
    assert_string_equal(plan.programs[0].argv[0], "/usr/bin/redis-server");
    assert_string_equal(plan.programs[0].argv[1], "/tmp/run/redis.conf");
    assert_string_equal(plan.redis_conf_path, "/tmp/run/redis.conf");
    assert_string_equal(plan.programs[1].argv[0], "/opt/bin/marathon-coordinator");
    assert_true(has_env(&plan.programs[1], "REDIS_URL=unix:///tmp/run/redis.sock"));
    assert_true(has_env(&plan.programs[1], "MARATHON_STORE=redis"));
    assert_true(
        has_env(&plan.programs[1], "MARATHON_COORDINATOR_LISTEN=ipc:///tmp/run/coordinator.sock"));
    assert_true(has_env(&plan.programs[1], "MARATHON_PIPELINES=/p"));
    assert_true(
        has_env(&plan.programs[3], "MARATHON_COORDINATORS=ipc:///tmp/run/coordinator.sock"));
    assert_true(has_env(&plan.programs[3], "MARATHON_FUNCTIONS=/a.json,/b.json"));
    assert_true(has_env(&plan.programs[3], "MARATHON_SLOTS=3"));
    assert_true(
        has_env(&plan.programs[4], "MARATHON_COORDINATORS=ipc:///tmp/run/coordinator.sock"));
    assert_true(has_env(&plan.programs[4], "MARATHON_LISTEN=127.0.0.1:8123"));
    dev_plan_free(&plan);
}

static void test_what_was_not_given_is_not_set(void **state)
{
    (void)state;
    struct dev_options o = some;
    struct dev_plan plan;
    o.pipelines = NULL;
    o.function_count = 0;
    o.slots = 0;
    o.workers = DEV_WORKERS_MAX;
    dev_plan_make(&o, &plan);
    assert_int_equal(plan.count, DEV_PROGRAMS_MAX);
    assert_string_equal(plan.programs[DEV_PROGRAMS_MAX - 2].label, "worker-64");
    assert_null(plan.programs[1].env[3]);
    assert_null(plan.programs[2].env[2]);
    dev_plan_free(&plan);
}

/* The last line of the text that begins with the name, which is the one that Redis obeys. */
static void directive_is(struct buf *conf, const char *name, const char *value)
{
    struct buf line = {0};
    const char *found = NULL;
    buf_addf(&line, "\n%s ", name);
    for (const char *at = buf_cstr(conf); (at = strstr(at, buf_cstr(&line))) != NULL; at++) {
        found = at + line.len;
    }
    assert_non_null(found);
    assert_memory_equal(found, value, strlen(value));
    assert_int_equal(found[strlen(value)], '\n');
    buf_free(&line);
}

static void test_redis_is_as_durable_as_in_the_deployments_and_private(void **state)
{
    (void)state;
    struct buf conf = {0};
    dev_redis_conf("/tmp/run", "/data \"x\\y", &conf);
    directive_is(&conf, "appendonly", "yes");
    directive_is(&conf, "appendfsync", "always");
    directive_is(&conf, "maxmemory-policy", "noeviction");
    directive_is(&conf, "port", "0");
    directive_is(&conf, "unixsocket", "\"/tmp/run/redis.sock\"");
    directive_is(&conf, "unixsocketperm", "700");
    directive_is(&conf, "daemonize", "no");
    directive_is(&conf, "dir", "\"/data \\\"x\\\\y\"");
    buf_free(&conf);
}

static void test_a_run_directory_must_leave_room_for_the_socket(void **state)
{
    (void)state;
    char path[128];
    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_false(dev_run_dir_fits(path));
    path[91] = '\0'; /* 91 + "/coordinator.sock" without a NUL more than 108 */
    assert_false(dev_run_dir_fits(path));
    path[90] = '\0';
    assert_true(dev_run_dir_fits(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs_start_in_the_order_in_which_they_need_each_other),
        cmocka_unit_test(test_settings_lead_each_program_to_the_next),
        cmocka_unit_test(test_what_was_not_given_is_not_set),
        cmocka_unit_test(test_redis_is_as_durable_as_in_the_deployments_and_private),
        cmocka_unit_test(test_a_run_directory_must_leave_room_for_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
