#include "model/pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct pipeline *parsed(const char *text)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    if (pipeline_parse(bytes_str(text), &p, &fault) != ERR_OK) {
        fail_msg("%s: %s %s", text, fault.pointer, fault.detail);
    }
    return p;
}

/*  a -> b -> d -> e     f alone
 *  a -> c -> d          */
static const char *const diamond = "[{\"name\":\"a\",\"function\":\"x\"},"
                                   "{\"name\":\"b\",\"function\":\"x\",\"needs\":[\"a\"]},"
                                   "{\"name\":\"c\",\"function\":\"x\",\"needs\":[\"a\"]},"
                                   "{\"name\":\"d\",\"function\":\"x\",\"needs\":[\"c\",\"b\"]},"
                                   "{\"name\":\"e\",\"function\":\"x\"},"
                                   "{\"name\":\"f\",\"function\":\"x\",\"needs\":[]}]";

static void expect_flags(const bool *flags, const char *expected)
{
    for (size_t i = 0; expected[i] != '\0'; i++) {
        assert_int_equal(flags[i], expected[i] == '1');
    }
}

static void test_ancestors_are_transitive_and_without_the_step(void **state)
{
    (void)state;
    struct pipeline *p = parsed(diamond);
    bool flags[6] = {false};
    pipeline_ancestors(p, 0, flags);
    expect_flags(flags, "000000");
    pipeline_ancestors(p, 3, flags);
    expect_flags(flags, "111000");
    memset(flags, 0, sizeof flags);
    pipeline_ancestors(p, 4, flags);
    expect_flags(flags, "111100");
    pipeline_unref(p);
}

static void test_descendants_are_the_reverse(void **state)
{
    (void)state;
    struct pipeline *p = parsed(diamond);
    bool flags[6] = {false};
    pipeline_descendants(p, 5, flags);
    expect_flags(flags, "000000");
    pipeline_descendants(p, 1, flags);
    expect_flags(flags, "000110");
    memset(flags, 0, sizeof flags);
    pipeline_descendants(p, 0, flags);
    expect_flags(flags, "011110");
    pipeline_unref(p);
}

static void test_marks_of_earlier_calls_stay_and_do_not_stop_the_walk(void **state)
{
    (void)state;
    struct pipeline *p = parsed(diamond);
    bool flags[6] = {false, true, true, true, false, true};
    pipeline_ancestors(p, 4, flags);
    expect_flags(flags, "111101");
    pipeline_unref(p);
}

static void test_a_step_is_found_by_name_or_step_id(void **state)
{
    (void)state;
    struct pipeline *p =
        parsed("[{\"name\":\"a\",\"function\":\"x\"},{\"name\":\"step_0\",\"function\":\"x\"}]");
    assert_true(step_name_valid(BYTES_LIT("soup/cook")) && step_name_valid(BYTES_LIT("a/b.c/d")));
    assert_false(step_name_valid(BYTES_LIT("/a")) || step_name_valid(BYTES_LIT("a/")));
    assert_false(step_name_valid(BYTES_LIT("a//b")) || step_name_valid(BYTES_NONE));
    assert_int_equal(pipeline_find(p, BYTES_LIT("a")), 0);
    assert_int_equal(pipeline_find(p, BYTES_LIT("step_1")), 1);
    assert_int_equal(pipeline_find(p, BYTES_LIT("step_0")), 1); /* a name comes first */
    static const char *const none[] = {
        "",        "b",       "step_",   "step_2",          "step_01",
        "step_+1", "step_-1", "step_ 1", "step_4294967296", "step_99999999999999999999",
        "Step_1"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(pipeline_find(p, bytes_str(none[i])), -1);
    }
    pipeline_unref(p);
}

static void test_the_last_reference_frees_it(void **state)
{
    (void)state;
    struct pipeline *p = parsed(diamond);
    assert_int_equal(p->refs, 1);
    assert_ptr_equal(pipeline_ref(p), p);
    pipeline_unref(p);
    assert_int_equal(p->refs, 1);
    assert_string_equal(p->steps[0].name, "a");
    pipeline_unref(p); /* the leak checker sees whether it was */
    pipeline_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ancestors_are_transitive_and_without_the_step),
        cmocka_unit_test(test_descendants_are_the_reverse),
        cmocka_unit_test(test_marks_of_earlier_calls_stay_and_do_not_stop_the_walk),
        cmocka_unit_test(test_a_step_is_found_by_name_or_step_id),
        cmocka_unit_test(test_the_last_reference_frees_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
