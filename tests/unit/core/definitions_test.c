#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

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
    assert_int_equal(first->refs, 4); /* theirs, the table's, and that of what was made of it */
    assert_ptr_not_equal(first, stored);
    assert_int_equal(first->version, 0);
    assert_int_equal(stored->version, 3);
    assert_ptr_equal(stored->steps, first->steps); /* it was not parsed again */
    pipeline_unref(first);
    pipeline_unref(again);
    pipeline_unref(stored);
    definitions_free(&d);
}

static void test_other_words_for_the_same_are_the_same(void **state)
{
    (void)state;
    struct definitions d = {0};
    struct pipeline *first = get(&d, "[{\"name\":\"a\",\"function\":\"f\"}]", 0);
    struct pipeline *again = get(&d, (const char *)first->source.ptr, 0); /* a NUL is behind it */
    struct pipeline *other = get(&d, "[ {\"function\":\"f\",\"name\":\"a\"}]", 0);
    assert_ptr_equal(first, again);
    assert_ptr_equal(first, other);
    assert_int_equal(d.by_text.count, 3);
    assert_int_equal(d.bytes, first->source.len);
    pipeline_unref(first);
    pipeline_unref(again);
    pipeline_unref(other);
    definitions_free(&d);
}

static void test_versions_of_one_text_that_nobody_uses_make_way(void **state)
{
    (void)state;
    struct definitions d = {0};
    const char *text = "[{\"name\":\"a\",\"function\":\"f\"}]";
    struct pipeline *used = get(&d, text, 1);
    struct pipeline *later = get(&d, text, 2);
    for (uint32_t version = 3; version < 100; version++) {
        pipeline_unref(get(&d, text, version));
    }
    assert_int_equal(used->refs, 4); /* mine, the table's, and of two that were made of it */
    assert_int_equal(later->version, 2);
    struct pipeline *again = get(&d, text, 2);
    assert_ptr_equal(later, again);
    pipeline_unref(used);
    pipeline_unref(later);
    assert_string_equal(again->steps[0].name, "a");
    pipeline_unref(again);
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
        assert_true(d.by_text.count <= DEFINITIONS_IDLE_MAX + 2); /* as it came, and canonical */
    }
    struct pipeline *again = get(&d, "[{\"name\":\"used\",\"function\":\"f\"}]", 0);
    assert_ptr_equal(used, again);
    pipeline_unref(again);
    pipeline_unref(used);
    definitions_free(&d);
}

static void test_idle_ones_are_bounded_by_their_bytes_too(void **state)
{
    (void)state;
    struct definitions d = {0};
    size_t room = 1 << 20;
    char *text = mem_alloc(room);
    struct pipeline *used = get(&d, "[{\"name\":\"used\",\"function\":\"f\"}]", 7);
    size_t most = 0;
    for (int i = 0; i < 100; i++) {
        int at =
            snprintf(text, room, "[{\"name\":\"s%d\",\"function\":\"f\",\"input\":{\"x\":\"", i);
        memset(text + at, 'x', 250000);
        (void)snprintf(text + at + 250000, 100, "\"}}]");
        pipeline_unref(get(&d, text, 0));
        most = d.bytes > most ? d.bytes : most;
    }
    assert_in_range(most, DEFINITIONS_IDLE_BYTES_MAX - 300000, DEFINITIONS_IDLE_BYTES_MAX + 300000);
    struct pipeline *again = get(&d, "[{\"name\":\"used\",\"function\":\"f\"}]", 7);
    assert_ptr_equal(used, again);
    pipeline_unref(again);
    pipeline_unref(used);
    definitions_free(&d);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_text_is_parsed_once_and_shared),
        cmocka_unit_test(test_what_is_no_definition_is_told_and_not_kept),
        cmocka_unit_test(test_other_words_for_the_same_are_the_same),
        cmocka_unit_test(test_versions_of_one_text_that_nobody_uses_make_way),
        cmocka_unit_test(test_idle_ones_are_bounded_and_those_in_use_stay),
        cmocka_unit_test(test_idle_ones_are_bounded_by_their_bytes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
