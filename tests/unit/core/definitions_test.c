#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

#include "core/definitions.h"

static struct pipeline *get(struct definitions *d, const char *text, uint32_t version)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    assert_int_equal(definitions_get(d, bytes_str(text), version, &p, &fault), ERR_OK);
    return p;
}

static void test_one_text_is_parsed_once_and_shared(void **state)
{
    (void)state;
    struct definitions d = {0};
    const char *text = "[{\"name\":\"a\",\"function\":\"f\"}]";
    struct pipeline *first = get(&d, text, 0);
    struct pipeline *again = get(&d, text, 0);
    struct pipeline *stored = get(&d, text, 3);
    assert_ptr_equal(first, again);
    assert_int_equal(first->refs, 3); /* theirs, and the table's */
    assert_ptr_not_equal(first, stored);
    assert_int_equal(stored->version, 3);
    pipeline_unref(first);
    pipeline_unref(again);
    pipeline_unref(stored);
    definitions_free(&d);
}

static void test_what_is_no_definition_is_told_and_not_kept(void **state)
{
    (void)state;
    struct definitions d = {0};
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    for (int i = 0; i < 2; i++) {
        enum err e = definitions_get(&d, BYTES_LIT("[{\"name\":\"a\"}]"), 0, &p, &fault);
        assert_int_equal(e, ERR_INVALID);
        assert_string_equal(fault.pointer, "/0");
        assert_null(p);
    }
    assert_int_equal(d.by_text.count, 0);
    definitions_free(&d);
}

static void test_idle_ones_are_bounded_and_those_in_use_stay(void **state)
{
    (void)state;
    struct definitions d = {0};
    struct pipeline *used = get(&d, "[{\"name\":\"used\",\"function\":\"f\"}]", 0);
    for (unsigned i = 0; i < 5 * DEFINITIONS_IDLE_MAX; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "[{\"name\":\"s%u\",\"function\":\"f\"}]", i);
        pipeline_unref(get(&d, text, 0));
        assert_true(d.by_text.count <= DEFINITIONS_IDLE_MAX + 1);
    }
    struct pipeline *again = get(&d, "[{\"name\":\"used\",\"function\":\"f\"}]", 0);
    assert_ptr_equal(used, again);
    pipeline_unref(again);
    pipeline_unref(used);
    definitions_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_text_is_parsed_once_and_shared),
        cmocka_unit_test(test_what_is_no_definition_is_told_and_not_kept),
        cmocka_unit_test(test_idle_ones_are_bounded_and_those_in_use_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
