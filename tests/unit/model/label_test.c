/* Labels of workers, and what steps require of them. */
#include "model/label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_a_label_is_a_name_and_a_value(void **state)
{
    (void)state;
    static const char *const good[] = {"gpu=true", "a=b", "zone=eu-1.a:b_c"};
    static const char *const bad[] = {"",      "gpu",   "gpu=",  "=true",
                                      "a=b=c", "a b=c", "a=b,c", "a=\xc3"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(label_valid(bytes_str(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(label_valid(bytes_str(bad[i])));
    }
    char long_one[68];
    memset(long_one, 'a', sizeof long_one);
    long_one[65] = '=';
    assert_false(label_valid(bytes_of(long_one, 67)));
    long_one[65] = 'a';
    long_one[64] = '=';
    assert_true(label_valid(bytes_of(long_one, 66)));
    assert_true(bytes_is(label_name(BYTES_LIT("gpu=true")), "gpu"));
}

static void test_a_worker_must_have_all_labels_with_equal_values(void **state)
{
    (void)state;
    const struct bytes labels[] = {BYTES_LIT("zone=b"), BYTES_LIT("gpu=true"), BYTES_LIT("x=1")};
    assert_true(labels_meet(labels, 3, BYTES_NONE));
    assert_true(labels_meet(labels, 3, BYTES_LIT("gpu=true")));
    assert_true(labels_meet(labels, 3, BYTES_LIT("gpu=true,zone=b")));
    assert_false(labels_meet(labels, 3, BYTES_LIT("gpu=true,zone=a")));
    assert_false(labels_meet(labels, 3, BYTES_LIT("gpu=tru")));
    assert_false(labels_meet(labels, 0, BYTES_LIT("gpu=true")));
}

static void test_they_are_written_as_json(void **state)
{
    (void)state;
    struct buf out = {0};
    labels_put_json(&out, BYTES_LIT("gpu=true,zone=b"));
    assert_string_equal(buf_cstr(&out), "{\"gpu\":\"true\",\"zone\":\"b\"}");
    buf_clear(&out);
    labels_put_json(&out, BYTES_NONE);
    assert_string_equal(buf_cstr(&out), "{}");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_label_is_a_name_and_a_value),
        cmocka_unit_test(test_a_worker_must_have_all_labels_with_equal_values),
        cmocka_unit_test(test_they_are_written_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
