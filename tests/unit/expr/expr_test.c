#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "expr/expr.h"

/* What the expressions of these tests see. */
static struct bytes read_root(void *context, const struct expr_ref *ref)
{
    const char *input = context;
    switch (ref->root) {
    case EXPR_INPUT:
        return bytes_str(input);
    case EXPR_RESULT:
        return bytes_is(ref->step, "menu") ? BYTES_LIT("{\"dishes\":[{\"name\":\"soup\"},{\"name\":"
                                                       "\"cake\"}],\"ok\":true}")
                                           : BYTES_LIT("null");
    case EXPR_STATUS:
        return BYTES_LIT("\"completed\"");
    case EXPR_ERROR:
        return BYTES_LIT("null");
    case EXPR_ATTEMPTS:
        return BYTES_LIT("2");
    case EXPR_ITEM:
        return BYTES_LIT("{\"id\":7}");
    case EXPR_INDEX:
        return BYTES_LIT("3");
    case EXPR_TASK:
        return BYTES_LIT("{\"id\":\"t1\"}");
    case EXPR_ROOT_COUNT:
        break;
    }
    return BYTES_NONE;
}

static const char input_text[] =
    "{\"n\":5,\"big\":12345678901234567890123,\"half\":0.5,\"five\":5.0,\"s\":\"a\\u0041\\n\","
    "\"l\":[1,\"two\",null],\"o\":{\"k~/\":true},\"esc\\\"aped\":1,\"e\":1e400}";

static enum err run(const char *text, struct arena *arena, struct bytes *ret_json,
                    struct expr_fault *ret_fault)
{
    static char input[sizeof input_text];
    memcpy(input, input_text, sizeof input);
    struct expr_seen seen = {0};
    struct expr_scope scope = {.read = read_root, .context = input, .arena = arena, .seen = &seen};
    struct expr *e;
    enum err err = expr_parse(arena, bytes_str(text), EXPR_ROOTS_ALL, &e, ret_fault);
    if (err != ERR_OK) {
        return err;
    }
    struct bytes again = BYTES_NONE;
    err = expr_eval(e, &scope, ret_json, ret_fault);
    assert_int_equal(expr_eval(e, &scope, &again, ret_fault),
                     err); /* what it has seen says the same */
    assert_true(bytes_eq(again, *ret_json));
    scope.seen = NULL;
    assert_int_equal(expr_eval(e, &scope, &again, ret_fault), err);
    assert_true(bytes_eq(again, *ret_json));
    return err;
}

static void gives(const char *text, const char *json)
{
    struct arena arena = {0};
    struct expr_fault fault = {.detail = ""};
    struct bytes value = BYTES_NONE;
    if (run(text, &arena, &value, &fault) != ERR_OK || !bytes_is(value, json)) {
        fail_msg("%s gives %.*s %s", text, (int)value.len, (const char *)value.ptr, fault.detail);
    }
    arena_free(&arena);
}

static void fails(const char *text, const char *detail)
{
    struct arena arena = {0};
    struct expr_fault fault = {.detail = ""};
    struct bytes value = BYTES_NONE;
    if (run(text, &arena, &value, &fault) == ERR_OK) {
        fail_msg("%s gives %.*s", text, (int)value.len, (const char *)value.ptr);
    }
    assert_string_equal(fault.detail, detail);
    arena_free(&arena);
}

static void test_values_of_documents_keep_their_text(void **state)
{
    (void)state;
    gives("input.n", "5");
    gives("input.big", "12345678901234567890123"); /* beyond both kinds, and still itself */
    gives("input.s", "\"a\\u0041\\n\"");
    gives("input.l", "[1,\"two\",null]");
    gives("input.five", "5.0");
    gives("input.e", "1e400");
    gives("input", input_text);
}

static void test_a_number_is_an_int_where_it_is_written_as_one(void **state)
{
    (void)state;
    gives("input.n + 1", "6");
    gives("input.five + 1.0", "6.0");
    gives("input.five == input.n", "true");
    fails("input.five + 1",
          "a double and an int cannot be joined by +; convert one with int() or double()");
    gives("[input.five][0] + 1.0", "6.0"); /* a list does not forget what its elements are */
    gives("[2.0][0] + 1.0", "3.0");
    gives("input.big > 1", "true");
}

static void test_roots(void **state)
{
    (void)state;
    gives("steps.menu.result.dishes[1].name", "\"cake\"");
    gives("steps[\"menu\"].result.ok", "true");
    gives("steps.menu.status == 'completed' && steps.menu.attempts < 3", "true");
    gives("steps.menu.error == null", "true");
    gives("has(steps.menu.error)", "false");
    gives("has(steps.menu.result)", "true");
    gives("has(steps.menu.result.ok)", "true");
    gives("item.id + index", "10");
    gives("task.id", "\"t1\"");
    gives("input[\"esc\\\"aped\"]", "1");
    gives("\"k~/\" in input.o", "true");
}

static void test_a_missing_path_names_what_is_there(void **state)
{
    (void)state;
    fails("steps.menu.result.dish[0]",
          "there is no \"dish\" in steps.menu.result; it has \"dishes\", \"ok\"");
    fails("steps.other.result.x", "steps.other.result is null, it has no member \"x\"");
    fails("input.l[7]", "there is no element 7 in input.l; it has 3, the first one is 0");
    fails("input.o[\"k\"]", "there is no \"k\" in input.o; it has \"k~/\"");
    fails("{}.a", "there is no \"a\" in {}; it has no members");
    fails("input.l.first", "input.l is a list, it has no member \"first\"");
}

static void test_syntax_is_shown_with_a_caret(void **state)
{
    (void)state;
    fails("input.a ==", "the expression ends, but a value is expected\n"
                        "  input.a ==\n"
                        "            ^");
    fails("steps.menu", "a step has .result, .status, .error and .attempts\n"
                        "  steps.menu\n"
                        "            ^");
    fails("steps.menu.resul.x", "a step has .result, .status, .error and .attempts\n"
                                "  steps.menu.resul.x\n"
                                "             ^");
    fails("\xc3\xa9 + '\xc3\xa9", "unexpected character\n"
                                  "  \xc3\xa9 + '\xc3\xa9\n"
                                  "  ^");
    fails("'\xc3\xa9' + $x", "write names without $ inside an expression\n"
                             "  '\xc3\xa9' + $x\n"
                             "        ^");
    fails("size(input.a, 2)", "expected ')' after the function's one argument\n"
                              "  size(input.a, 2)\n"
                              "              ^");
}

static void test_long_texts_are_cut_around_the_place(void **state)
{
    (void)state;
    fails("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' + ? + "
          "'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'",
          "expected a value: a literal, input, steps.<name>, item, index or task\n"
          "  ...aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' + ? + 'bbbbbbbbbbbbbbbbbbb...\n"
          "                                             ^");
}

static void test_items_are_for_fan_outs(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct expr *e;
    struct expr_fault fault;
    assert_int_equal(expr_parse(&arena, BYTES_LIT("item.id"), EXPR_ROOTS_STEP, &e, &fault),
                     ERR_INVALID);
    assert_non_null(strstr(fault.detail, "only in a step with for_each"));
    arena_free(&arena);
}

static void test_refs_say_what_is_read(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct expr *e;
    struct expr_fault fault;
    assert_int_equal(expr_parse(&arena, BYTES_LIT("steps.a.result + steps['b-c'].status + task.id"),
                                EXPR_ROOTS_STEP, &e, &fault),
                     ERR_OK);
    assert_int_equal(e->ref_count, 3);
    assert_true(bytes_is(e->refs[0].step, "a") && e->refs[0].root == EXPR_RESULT);
    assert_int_equal(e->refs[0].from, 6);
    assert_int_equal(e->refs[0].to, 7);
    assert_true(bytes_is(e->refs[1].step, "b-c") && e->refs[1].root == EXPR_STATUS);
    assert_int_equal(e->refs[2].root, EXPR_TASK);
    arena_free(&arena);
}

static char *repeated(const char *head, const char *part, int times, const char *tail)
{
    struct buf b = {0};
    buf_add_str(&b, head);
    for (int i = 0; i < times; i++) {
        buf_add_str(&b, part);
    }
    buf_add_str(&b, tail);
    char *text = mem_str(buf_cstr(&b));
    buf_free(&b);
    return text;
}

static void refused(char *text, const char *part)
{
    struct arena arena = {0};
    struct expr *e;
    struct expr_fault fault = {.detail = ""};
    assert_int_not_equal(expr_parse(&arena, bytes_str(text), EXPR_ROOTS_STEP, &e, &fault), ERR_OK);
    if (strstr(fault.detail, part) == NULL) {
        fail_msg("%s", fault.detail);
    }
    arena_free(&arena);
    free(text);
}

static void test_bounds_of_a_program(void **state)
{
    (void)state;
    refused(repeated("", "(", 65, "1"), "nested more than 64 deep");
    refused(repeated("", "[", 65, "1"), "nested more than 64 deep");
    refused(repeated("", "-", 65, "input.a"), "more than 64 signs");
    refused(repeated("1", "+1", 65, ""), "nested more than 64 deep");
    refused(repeated("{}", ".a", 65, ""), "nested more than 64 deep");
    refused(repeated("true ", "? 1 : true ", 65, "? 1 : 2"), "nested more than 64 deep");
    refused(repeated("[1", ",1", 600, "]"), "more than 512 terms");
    refused(repeated("'", "abcdefgh", 512, "'"), "longer than 4096 bytes");
}

static void test_work_is_bounded(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct expr *e;
    struct expr_fault fault;
    struct bytes json;
    char *input = repeated("[0", ",1", 200000, "]");
    struct expr_scope scope = {.read = read_root, .context = input, .arena = &arena};
    assert_int_equal(expr_parse(&arena,
                                BYTES_LIT("2 in input || 2 in input || 2 in input || 2 in input || "
                                          "2 in input || 2 in input || 2 in input || 2 in input"),
                                EXPR_ROOTS_STEP, &e, &fault),
                     ERR_OK);
    assert_int_equal(expr_eval(e, &scope, &json, &fault), ERR_TOO_LARGE);
    assert_non_null(strstr(fault.detail, "too often"));
    assert_int_equal(scope.work, EXPR_WORK_MAX);
    arena_free(&arena);
    free(input);
}

/* That of a text is longer than the text: six times in this one. */
static void test_joining_costs_work_by_the_json_that_it_copies(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct expr *e;
    struct expr_fault fault;
    struct bytes json;
    char *input = repeated("\"", "\\u0041", 60000, "\"");
    struct expr_scope scope = {.read = read_root, .context = input, .arena = &arena};
    assert_int_equal(expr_parse(&arena, BYTES_LIT("size(input + input + input + input + input)"),
                                EXPR_ROOTS_STEP, &e, &fault),
                     ERR_OK);
    assert_int_equal(expr_eval(e, &scope, &json, &fault), ERR_OK);
    assert_true(bytes_is(json, "300000"));
    assert_true(scope.work >= (2 + 3 + 4 + 5) * strlen(input) / 64);
    arena_free(&arena);
    free(input);
}

static void test_what_is_put_together_is_bounded(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct expr *e;
    struct expr_fault fault;
    struct bytes json;
    char *input = repeated("\"", "abcdefgh", 80000, "\"");
    struct expr_scope scope = {.read = read_root, .context = input, .arena = &arena};
    assert_int_equal(expr_parse(&arena, BYTES_LIT("input + input"), EXPR_ROOTS_STEP, &e, &fault),
                     ERR_OK);
    assert_int_equal(expr_eval(e, &scope, &json, &fault), ERR_INVALID);
    assert_string_equal(fault.detail, "the joined value would be larger than 1 MiB");
    arena_free(&arena);
    free(input);
}

static void test_a_condition_is_true_or_false(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct expr *e;
    struct expr_fault fault;
    char input[] = "{\"n\":1}";
    struct expr_scope scope = {.read = read_root, .context = input, .arena = &arena};
    bool truth = false;
    assert_int_equal(expr_parse(&arena, BYTES_LIT("input.n == 1"), EXPR_ROOTS_STEP, &e, &fault),
                     ERR_OK);
    assert_int_equal(expr_eval_bool(e, &scope, &truth, &fault), ERR_OK);
    assert_true(truth);
    assert_int_equal(expr_parse(&arena, BYTES_LIT("input.n"), EXPR_ROOTS_STEP, &e, &fault), ERR_OK);
    assert_int_equal(expr_eval_bool(e, &scope, &truth, &fault), ERR_INVALID);
    assert_string_equal(fault.detail, "the condition must be true or false, not an int");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_of_documents_keep_their_text),
        cmocka_unit_test(test_a_number_is_an_int_where_it_is_written_as_one),
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_a_missing_path_names_what_is_there),
        cmocka_unit_test(test_syntax_is_shown_with_a_caret),
        cmocka_unit_test(test_long_texts_are_cut_around_the_place),
        cmocka_unit_test(test_items_are_for_fan_outs),
        cmocka_unit_test(test_refs_say_what_is_read),
        cmocka_unit_test(test_bounds_of_a_program),
        cmocka_unit_test(test_work_is_bounded),
        cmocka_unit_test(test_joining_costs_work_by_the_json_that_it_copies),
        cmocka_unit_test(test_what_is_put_together_is_bounded),
        cmocka_unit_test(test_a_condition_is_true_or_false),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
