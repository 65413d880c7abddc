#include "api/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static bool wait_of(const char *arg, mono_ms *wait)
{
    struct bytes args[] = {BYTES_LIT("other=1"), bytes_str(arg)};
    struct query q = {args, 2};
    struct problem p;
    return query_wait(&q, wait, &p);
}

static void test_waits_are_seconds_or_milliseconds_and_bounded(void **state)
{
    (void)state;
    mono_ms wait = -1;
    assert_true(wait_of("x=1", &wait));
    assert_int_equal(wait, -1);
    assert_true(wait_of("wait=30s", &wait));
    assert_int_equal(wait, 30000);
    assert_true(wait_of("wait=5", &wait));
    assert_int_equal(wait, 5000);
    assert_true(wait_of("wait=250ms", &wait));
    assert_int_equal(wait, 250);
    assert_true(wait_of("wait=0", &wait));
    assert_int_equal(wait, 0);
    assert_true(wait_of("wait=1000000s", &wait));
    assert_int_equal(wait, QUERY_WAIT_MS_MAX);
    static const char *const bad[] = {"wait=",
                                      "wait=s",
                                      "wait=ms",
                                      "wait=-1",
                                      "wait=1m",
                                      "wait=1.5s",
                                      "wait=99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(wait_of(bad[i], &wait));
    }
}

static void test_flags_are_true_by_their_name_alone(void **state)
{
    (void)state;
    struct bytes args[] = {BYTES_LIT("verbose"), BYTES_LIT("results=false"), BYTES_LIT("odd=maybe"),
                           BYTES_LIT("verbosely=0")};
    struct query q = {args, 4};
    struct problem p;
    bool value = false;
    assert_true(query_flag(&q, "verbose", &value, &p));
    assert_true(value);
    assert_true(query_flag(&q, "results", &value, &p));
    assert_false(value);
    assert_true(query_flag(&q, "absent", &value, &p));
    assert_false(value);
    assert_false(query_flag(&q, "odd", &value, &p));
    assert_int_equal(p.code, CODE_INVALID_FIELD);
}

static void assert_checked(enum call call, const char *first, const char *second,
                           const char *wanted)
{
    struct bytes args[] = {bytes_str(first), bytes_str(second)};
    struct query q = {args, second[0] != '\0' ? 2 : 1};
    struct problem p;
    bool good = query_check(&q, call, &p);
    assert_int_equal(good, wanted == NULL);
    if (wanted != NULL) {
        assert_int_equal(p.code, CODE_INVALID_FIELD);
        assert_string_equal(p.detail, wanted);
        assert_true(p.faults[0].parameter[0] != '\0');
    }
}

static void test_an_argument_that_a_call_does_not_have_is_named_with_those_it_has(void **state)
{
    (void)state;
    assert_checked(CALL_TASKS, "status=failed", "limit=3", NULL);
    assert_checked(CALL_TASKS, "state=failed", "",
                   "the query parameter `state` does not exist for this call; did you mean status? "
                   "(it takes status, task_type, limit, cursor)");
    assert_checked(
        CALL_HISTORY, "zzzzz", "",
        "the query parameter `zzzzz` does not exist for this call (it takes limit, cursor)");
    assert_checked(CALL_RESULT, "step=a", "",
                   "the query parameter `step` does not exist for this call: it takes none");
    assert_checked(CALL_USAGE, "group_by=model", "group_by=day",
                   "the query parameter `group_by` is given twice: separate its values by commas");
    assert_checked(CALL_STATUS, "_=17", "results=false", NULL); /* clients that there are */
    assert_checked(CALL_READY, "x=1", "", NULL);
}

static void test_a_page_has_at_least_one_row(void **state)
{
    (void)state;
    struct bytes args[] = {BYTES_LIT("limit=0")};
    struct query q = {args, 1};
    struct problem p;
    uint64_t limit = 7;
    assert_false(query_limit(&q, 512, &limit, &p));
    assert_string_equal(p.detail,
                        "the query parameter `limit` must be a whole number from 1 to 512");
    assert_string_equal(p.faults[0].parameter, "limit");
    args[0] = BYTES_LIT("limit=512");
    assert_true(query_limit(&q, 512, &limit, &p));
    assert_int_equal(limit, 512);
}

static void test_numbers_keep_their_bound(void **state)
{
    (void)state;
    uint64_t v = 7;
    assert_true(number_parse(BYTES_LIT("18446744073709551615"), UINT64_MAX, &v));
    assert_true(v == UINT64_MAX);
    assert_false(number_parse(BYTES_LIT("18446744073709551616"), UINT64_MAX, &v));
    assert_true(number_parse(BYTES_LIT("200"), 200, &v));
    assert_false(number_parse(BYTES_LIT("201"), 200, &v));
    assert_false(number_parse(BYTES_LIT(""), 200, &v));
    assert_false(number_parse(BYTES_LIT("+1"), 200, &v));
    assert_true(number_parse(BYTES_LIT("0"), 0, &v));
    assert_false(number_parse(BYTES_LIT("5"), 4, &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_are_seconds_or_milliseconds_and_bounded),
        cmocka_unit_test(test_flags_are_true_by_their_name_alone),
        cmocka_unit_test(test_an_argument_that_a_call_does_not_have_is_named_with_those_it_has),
        cmocka_unit_test(test_a_page_has_at_least_one_row),
        cmocka_unit_test(test_numbers_keep_their_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
