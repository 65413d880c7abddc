/* The description that is served names the calls that there are, and how each may be refused. */
#include "api/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>

#include "api/route.h"
#include "served.h"

/* "/status/{id}" -> "/status/a", "get" -> "GET". */
static enum call call_of(const char *path, const char *method)
{
    char plain[128], upper[16];
    size_t n = 0;
    for (const char *p = path; *p != '\0' && n < sizeof plain - 1; p++) {
        if (*p == '{') {
            p = strchr(p, '}');
            plain[n++] = 'a';
        } else {
            plain[n++] = *p;
        }
    }
    plain[n] = '\0';
    for (n = 0; method[n] != '\0'; n++) {
        upper[n] = (char)toupper((unsigned char)method[n]);
    }
    upper[n] = '\0';
    struct route route;
    struct problem problem;
    if (!route_find(bytes_str(upper), bytes_str(plain), &route, &problem)) {
        fail_msg("%s %s: %s", upper, plain, problem.detail);
    }
    return route.call;
}

typedef void operation_fn(const char *path, const char *method, const struct doc_value *operation);

static void each_operation(operation_fn *fn)
{
    const struct doc_value *paths = doc_get(doc_root(openapi), "paths"), *operations, *operation;
    const char *path, *method;
    for (size_t i = 0; (operations = doc_member(paths, i, &path)) != NULL; i++) {
        for (size_t j = 0; (operation = doc_member(operations, j, &method)) != NULL; j++) {
            fn(path, method, operation);
        }
    }
}

static bool described[CALL_COUNT];

static void describes(const char *path, const char *method, const struct doc_value *operation)
{
    (void)operation;
    described[call_of(path, method)] = true;
}

static void test_each_call_is_described_and_no_other(void **state)
{
    (void)state;
    each_operation(describes);
    for (int c = 0; c < CALL_COUNT; c++) {
        if (!described[c]) {
            fail_msg("no description of %s", call_name((enum call)c));
        }
    }
}

static void has(const char *path, const char *method, const struct doc_value *operation,
                const char *const *answers)
{
    const struct doc_value *responses = doc_get(operation, "responses");
    for (size_t i = 0; answers[i] != NULL; i++) {
        if (doc_get(responses, answers[i]) == NULL) {
            fail_msg("%s %s: no answer %s is described", method, path, answers[i]);
        }
    }
}

static void refusals(const char *path, const char *method, const struct doc_value *operation)
{
    static const char *const of_all[] = {"default", NULL};
    static const char *const of_bodies[] = {"411", "413", "422", NULL};
    static const char *const of_fields[] = {"400", NULL};
    static const char *const of_types[] = {"415", NULL};
    bool is_get = strcmp(method, "get") == 0;
    has(path, method, operation, of_all);
    if (!is_get) {
        has(path, method, operation, of_bodies);
    }
    if (doc_get(operation, "requestBody") != NULL) {
        has(path, method, operation, of_fields);
        if (call_of(path, method) != CALL_CANCEL) { /* clients of old send anything along */
            has(path, method, operation, of_types);
        }
    }
}

static void test_refusals_that_a_call_may_give_are_described(void **state)
{
    (void)state;
    each_operation(refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_call_is_described_and_no_other),
        cmocka_unit_test(test_refusals_that_a_call_may_give_are_described),
    };
    return cmocka_run_group_tests(tests, served_open, served_close);
}
