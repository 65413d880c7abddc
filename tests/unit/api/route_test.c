#include "api/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void assert_call(const char *method, const char *path, enum call call, const char *id)
{
    struct route r;
    struct problem p;
    assert_true(route_find(bytes_str(method), bytes_str(path), &r, &p));
    assert_int_equal(r.call, call);
    assert_true(bytes_is(r.id, id));
}

static void assert_refused(const char *method, const char *path, enum code code, const char *allow)
{
    struct route r;
    struct problem p;
    assert_false(route_find(bytes_str(method), bytes_str(path), &r, &p));
    assert_int_equal(p.code, code);
    if (allow != NULL) {
        assert_string_equal(p.allow, allow);
    }
}

static void test_every_call_has_its_path(void **state)
{
    (void)state;
    assert_call("POST", "/api/v1/marathon/start", CALL_START, "");
    assert_call("POST", "/api/v1/marathon/start/batch", CALL_START_BATCH, "");
    assert_call("GET", "/api/v1/marathon/status/a", CALL_STATUS, "a");
    assert_call("HEAD", "/api/v1/marathon/status/a.b:c-d_E9", CALL_STATUS, "a.b:c-d_E9");
    assert_call("POST", "/api/v1/marathon/recover/a", CALL_RECOVER, "a");
    assert_call("POST", "/api/v1/marathon/cancel/a", CALL_CANCEL, "a");
    assert_call("POST", "/api/v1/marathon/pause/a", CALL_PAUSE, "a");
    assert_call("POST", "/api/v1/marathon/resume/a", CALL_RESUME, "a");
    assert_call("POST", "/api/v1/marathon/signal/a", CALL_SIGNAL, "a");
    assert_call("GET", "/api/v1/marathon/history/a", CALL_HISTORY, "a");
    assert_call("POST", "/api/v1/marathon/fork/a", CALL_FORK, "a");
    assert_call("GET", "/api/v1/marathon/checkpoints/a", CALL_CHECKPOINTS, "a");
    assert_call("GET", "/api/v1/marathon/result/a", CALL_RESULT, "a");
    assert_call("GET", "/api/v1/marathon/stream/a", CALL_STREAM, "a");
    assert_call("GET", "/api/v1/marathon/tasks", CALL_TASKS, "");
    assert_call("GET", "/api/v1/marathon/tasks/t1/steps/each/items", CALL_ITEMS, "t1");
    assert_call("GET", "/api/v1/marathon/pipelines", CALL_PIPELINES, "");
    assert_call("GET", "/api/v1/marathon/pipelines/p", CALL_PIPELINE, "p");
    assert_call("HEAD", "/api/v1/marathon/pipelines/validate", CALL_PIPELINE, "validate");
    assert_call("PUT", "/api/v1/marathon/pipelines/p", CALL_PIPELINE_PUT, "p");
    assert_call("PUT", "/api/v1/marathon/pipelines/validate", CALL_PIPELINE_PUT, "validate");
    assert_call("POST", "/api/v1/marathon/pipelines/validate", CALL_PIPELINE_CHECK, "");
    assert_call("GET", "/api/v1/marathon/pipelines/p/versions", CALL_PIPELINE_VERSIONS, "p");
    assert_call("GET", "/api/v1/marathon/pipelines/versions", CALL_PIPELINE, "versions");
    assert_call("GET", "/api/v1/marathon/workers", CALL_WORKERS, "");
    assert_call("GET", "/api/v1/marathon/dead-letters", CALL_DEAD_LETTERS, "");
    assert_call("POST", "/api/v1/marathon/dead-letters/requeue", CALL_REQUEUE_ALL, "");
    assert_call("POST", "/api/v1/marathon/dead-letters/a/step_1/requeue", CALL_REQUEUE, "a");
    assert_call("POST", "/api/v1/marathon/dead-letters/requeue/requeue/requeue", CALL_REQUEUE,
                "requeue");
    assert_call("POST", "/api/v1/marathon/dead-letters/a/soup/cook/requeue", CALL_REQUEUE, "a");
    assert_call("GET", "/api/v1/marathon/tasks/t1/steps/soup/cook/items", CALL_ITEMS, "t1");
    assert_call("GET", "/livez", CALL_LIVE, "");
    assert_call("GET", "/readyz", CALL_READY, "");
    assert_call("GET", "/healthz", CALL_READY, "");
    assert_call("GET", "/metrics", CALL_METRICS, "");
    assert_call("GET", "/openapi.json", CALL_OPENAPI, "");
}

static void test_other_paths_are_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {"",
                                        "/",
                                        "/api/v1/marathon",
                                        "/api/v1/marathon/",
                                        "/api/v1/marathon/status",
                                        "/api/v1/marathon/status/",
                                        "/api/v1/marathon/start/",
                                        "/api/v1/marathon/startx",
                                        "/API/v1/marathon/start",
                                        "/api/v1/marathon/dead-letters/",
                                        "/api/v1/marathon/dead-letters/a",
                                        "/api/v1/marathon/dead-letters/a/b",
                                        "/api/v1/marathon/dead-letters/a/requeue",
                                        "/api/v1/marathon/dead-letters//b/requeue",
                                        "/api/v1/marathon/tasks/t1/steps/items",
                                        "/api/v1/marathon/tasks/t1/steps//items",
                                        "/api/v1/marathon/tasks//steps/each/items",
                                        "/livez/"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_refused("GET", paths[i], CODE_NOT_FOUND, NULL);
    }
}

static void test_who_is_lost_is_told_where_the_calls_are(void **state)
{
    (void)state;
    struct route r;
    struct problem p;
    assert_false(route_find(BYTES_LIT("GET"), BYTES_LIT("/"), &r, &p));
    assert_string_equal(
        p.detail, "there is nothing at /; the calls are under /api/v1/marathon, see /openapi.json");
}

static void test_ids_outside_the_alphabet_are_refused(void **state)
{
    (void)state;
    char path[256] = "/api/v1/marathon/status/";
    size_t n = strlen(path);
    memset(path + n, 'a', 128);
    assert_call("GET", path, CALL_STATUS, path + n);
    path[n + 128] = 'a';
    assert_refused("GET", path, CODE_INVALID_ID, NULL);
    assert_refused("GET", "/api/v1/marathon/status/a/b", CODE_INVALID_ID, NULL);
    assert_refused("GET", "/api/v1/marathon/status/../x", CODE_INVALID_ID, NULL);
    assert_refused("POST", "/api/v1/marathon/cancel/a b", CODE_INVALID_ID, NULL);
    assert_refused("POST", "/api/v1/marathon/dead-letters/a/b//c/requeue", CODE_INVALID_ID, NULL);
    assert_refused("GET", "/api/v1/marathon/status/\xc3\xa4", CODE_INVALID_ID, NULL);
}

static void test_a_wrong_method_is_told_the_right_one(void **state)
{
    (void)state;
    assert_refused("GET", "/api/v1/marathon/start", CODE_METHOD_NOT_ALLOWED, "POST");
    assert_refused("POST", "/api/v1/marathon/status/a", CODE_METHOD_NOT_ALLOWED, "GET, HEAD");
    assert_refused("POST", "/api/v1/marathon/pipelines/p", CODE_METHOD_NOT_ALLOWED,
                   "GET, HEAD, PUT");
    assert_refused("DELETE", "/api/v1/marathon/pipelines/validate", CODE_METHOD_NOT_ALLOWED,
                   "GET, HEAD, POST, PUT");
    assert_refused("PUT", "/api/v1/marathon/pipelines/p/versions", CODE_METHOD_NOT_ALLOWED,
                   "GET, HEAD");
    assert_refused("DELETE", "/livez", CODE_METHOD_NOT_ALLOWED, "GET, HEAD");
    assert_refused("OPTIONS", "/api/v1/marathon/cancel/a", CODE_METHOD_NOT_ALLOWED, "POST");
}

static void test_each_call_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < CALL_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(call_name((enum call)a), call_name((enum call)b));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call_has_its_path),
        cmocka_unit_test(test_other_paths_are_not_found),
        cmocka_unit_test(test_who_is_lost_is_told_where_the_calls_are),
        cmocka_unit_test(test_ids_outside_the_alphabet_are_refused),
        cmocka_unit_test(test_a_wrong_method_is_told_the_right_one),
        cmocka_unit_test(test_each_call_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
