#include "api/body_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/shared.h"

static const char doc[] = "0123456789";

static void plan_make(struct body_plan *plan)
{
    buf_add_str(&plan->text, "ab");
    body_plan_doc(plan, 3, 4);
    body_plan_doc(plan, 0, 0); /* nothing */
    body_plan_doc(plan, 9, 1);
    buf_add_str(&plan->text, "cde");
    body_plan_finish(plan);
}

static void test_a_plan_knows_its_length_and_content(void **state)
{
    (void)state;
    struct body_plan plan = {0};
    struct buf out = {0};
    plan_make(&plan);
    assert_int_equal(plan.total, 10);
    body_plan_write(&plan, bytes_of(doc, 10), 0, &out);
    assert_string_equal(buf_cstr(&out), "ab34569cde");
    buf_free(&out);
    body_plan_free(&plan);
}

static void test_any_size_of_pieces_gives_the_same_body(void **state)
{
    (void)state;
    for (size_t max = 1; max <= 12; max++) {
        struct body_plan plan = {0};
        struct body_cursor cursor = {0};
        struct body_want want;
        struct buf out = {0};
        plan_make(&plan);
        while (body_plan_next(&plan, &cursor, max, &want)) {
            assert_true(want.len >= 1 && want.len <= max);
            struct bytes part =
                want.from == BODY_DOC ? bytes_of(doc + want.offset, want.len) : want.text;
            assert_int_equal(part.len, want.len);
            buf_add_bytes(&out, part);
            body_cursor_move(&plan, &cursor, want.len);
        }
        assert_string_equal(buf_cstr(&out), "ab34569cde");
        buf_free(&out);
        body_plan_free(&plan);
    }
}

static void test_a_payload_is_taken_from_where_it_lies_or_has_moved_to(void **state)
{
    (void)state;
    enum { LEN = LENT_BYTES_MIN, AT = 100 };
    static char before[AT + LEN], after[AT + LEN], expected[2 * LEN];
    memset(before + AT, 'x', LEN);
    memset(after + AT, 'y', LEN);
    struct bytes short_one = bytes_of(before + AT, 3); /* copied: it is not looked for any more */
    struct body_plan plan = {0};
    struct body_cursor cursor = {0};
    struct body_want want;
    struct buf out = {0};
    body_plan_lend(&plan, short_one);
    buf_add_str(&plan.text, "[");
    body_plan_lend(&plan, bytes_of(before + AT, LEN));
    buf_add_str(&plan.text, "]");
    body_plan_finish(&plan);
    assert_int_equal(plan.total, 3 + 1 + LEN + 1);
    body_plan_moved(&plan, bytes_of(expected, sizeof expected), NULL); /* others */
    body_plan_moved(&plan, bytes_of(before, sizeof before), (const uint8_t *)after);
    body_plan_write(&plan, BYTES_NONE, 0, &out);
    (void)snprintf(expected, sizeof expected, "xxx[%.*s]", LEN, after + AT);
    assert_string_equal(buf_cstr(&out), expected);
    body_cursor_move(&plan, &cursor, 4);
    assert_true(body_plan_next(&plan, &cursor, LEN, &want));
    assert_int_equal(want.from, BODY_LENT);
    body_cursor_move(&plan, &cursor, 7);
    assert_true(body_plan_next(&plan, &cursor, LEN, &want));
    assert_int_equal(want.len, LEN - 7);
    assert_ptr_equal(want.text.ptr, after + AT + 7);
    buf_free(&out);
    body_plan_free(&plan);
}

static void test_an_empty_plan_has_no_piece(void **state)
{
    (void)state;
    struct body_plan plan = {0};
    struct body_cursor cursor = {0};
    struct body_want want;
    body_plan_finish(&plan);
    assert_int_equal(plan.total, 0);
    assert_false(body_plan_next(&plan, &cursor, 10, &want));
    body_plan_free(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan_knows_its_length_and_content),
        cmocka_unit_test(test_any_size_of_pieces_gives_the_same_body),
        cmocka_unit_test(test_a_payload_is_taken_from_where_it_lies_or_has_moved_to),
        cmocka_unit_test(test_an_empty_plan_has_no_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
