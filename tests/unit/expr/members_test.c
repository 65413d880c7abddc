/* Lists and maps are gone over once, whoever looks into them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "expr/template.h"
#include "json/scan.h"

struct world {
    struct arena arena;
    struct buf input;
    struct expr_seen seen;
    struct expr_scope scope;
};

static struct bytes read_root(void *context, const struct expr_ref *ref)
{
    const struct world *w = context;
    return ref->root == EXPR_INPUT ? buf_bytes(&w->input) : BYTES_NONE;
}

static void begin(struct world *w)
{
    *w = (struct world){0};
    w->scope =
        (struct expr_scope){.read = read_root, .context = w, .arena = &w->arena, .seen = &w->seen};
}

static void end(struct world *w)
{
    buf_free(&w->input);
    arena_free(&w->arena);
}

static void gives(struct world *w, const char *text, const char *json)
{
    struct expr_fault fault = {.detail = ""};
    struct bytes value = BYTES_NONE;
    struct expr *e;
    assert_int_equal(expr_parse(&w->arena, bytes_str(text), EXPR_ROOTS_STEP, &e, &fault), ERR_OK);
    if (expr_eval(e, &w->scope, &value, &fault) != ERR_OK || !bytes_is(value, json)) {
        fail_msg("%s gives %.*s %s", text, (int)value.len, (const char *)value.ptr, fault.detail);
    }
}

static void fails(struct world *w, const char *text, const char *detail)
{
    struct expr_fault fault = {.detail = ""};
    struct bytes value = BYTES_NONE;
    struct expr *e;
    assert_int_equal(expr_parse(&w->arena, bytes_str(text), EXPR_ROOTS_STEP, &e, &fault), ERR_OK);
    assert_int_not_equal(expr_eval(e, &w->scope, &value, &fault), ERR_OK);
    assert_string_equal(fault.detail, detail);
}

/* {"f0":..., "f1":...}, with text around each. */
static void put_fields(struct world *w, const char *before, unsigned count, const char *behind)
{
    buf_add_char(&w->input, '{');
    for (unsigned i = 0; i < count; i++) {
        buf_addf(&w->input, "%s\"f%u\":%s%u%s", i > 0 ? "," : "", i, before, i, behind);
    }
    buf_add_char(&w->input, '}');
    assert_int_equal(json_check(buf_bytes(&w->input), NULL, NULL), ERR_OK);
}

static uint32_t work_of(struct world *w, const char *text, const char *json)
{
    uint32_t before = w->scope.work;
    gives(w, text, json);
    return w->scope.work - before;
}

/* What is spent says how many bytes were gone over: one for each 64. */
static void test_a_document_is_gone_over_by_the_first_expression_only(void **state)
{
    (void)state;
    struct world w;
    char text[4096];
    begin(&w);
    memset(text, 'x', sizeof text);
    text[0] = '"';
    text[sizeof text - 1] = '\0';
    put_fields(&w, text, 10, "\"");
    assert_true(work_of(&w, "size(input.f0)", "4095") > 10 * sizeof text / 64);
    assert_true(work_of(&w, "input.f9 == input.f9", "true") < 40 + 2 * 64);
    assert_true(work_of(&w, "size(input)", "10") < 20);
    assert_true(work_of(&w, "'f3' in input", "true") < 20 + 64);
    fails(&w, "input.g",
          "there is no \"g\" in input; it has \"f0\", \"f1\", \"f2\", \"f3\", \"f4\", \"f5\", "
          "\"f6\", \"f7\", \"f8\", \"f9\"");
    end(&w);
}

static void test_a_list_is_gone_over_as_far_as_somebody_looked(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    put_fields(&w, "[\"0123456789012345678901234567890123456789012345678901234567890123\",", 1,
               ",\"0123456789012345678901234567890123456789012345678901234567890123\",[2],{}]");
    gives(&w, "input.f0[1]", "0");
    gives(&w, "size(input.f0[0])", "64");
    gives(&w, "input.f0[3]", "[2]");
    gives(&w, "input.f0[2] == input.f0[0] && input.f0 == input.f0", "true");
    gives(&w, "input.f0[4]", "{}");
    gives(&w, "size(input.f0)", "5");
    gives(&w, "{} in input.f0 && !(3 in input.f0)", "true");
    fails(&w, "input.f0[5]", "there is no element 5 in input.f0; it has 5, the first one is 0");
    end(&w);
}

static void test_keys_are_what_they_say_and_the_last_one_of_a_name_counts(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    buf_add_str(&w.input,
                "{\"a\":1,\"\\u0061b\":2,\"a\\n\":3,\"a\\\\n\":4,\"a\":{\"long enough to be "
                "remembered\":null},\"\":5,\"\\u0000\":6}");
    for (int i = 0; i < 2; i++) {
        gives(&w, "size(input.a)", "1");
        gives(&w, "input.ab", "2");
        gives(&w, "input['a\\n']", "3");
        gives(&w, "input[r'a\\n']", "4");
        gives(&w, "input['']", "5");
        gives(&w, "input == input", "true");
    }
    end(&w);
}

/* How deep a value is was found when it was gone over, and is so for whoever takes it next. */
static void test_what_is_too_deep_is_so_for_each_that_takes_it(void **state)
{
    (void)state;
    struct world w;
    struct doc *doc;
    struct doc_fault doc_fault;
    struct template *t;
    struct template_fault fault = {.fault = {.detail = ""}};
    struct parts p;
    begin(&w);
    buf_add_str(&w.input, "{\"flat\":[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
                          "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
                          "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]],\"deep\":");
    for (int i = 0; i < JSON_DEPTH_MAX - 1; i++) {
        buf_add_char(&w.input, '[');
    }
    for (int i = 0; i < JSON_DEPTH_MAX - 1; i++) {
        buf_add_char(&w.input, ']');
    }
    buf_add_char(&w.input, '}');
    assert_int_equal(json_check(buf_bytes(&w.input), NULL, NULL), ERR_OK);
    const char *templates[] = {"[\"${input.deep}\",\"${input.flat}\"]", "[[\"${input.deep}\"]]",
                               "[[\"${input.flat}\"]]"};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(doc_parse(bytes_str(templates[i / 2]), &doc, &doc_fault), ERR_OK);
        assert_int_equal(template_parse(&w.arena, doc_root(doc), EXPR_ROOTS_STEP, &t, &fault),
                         ERR_OK);
        doc_free(doc);
        assert_int_equal(template_render(t, &w.scope, 1000, &p, &fault),
                         i / 2 == 1 ? ERR_INVALID : ERR_OK);
    }
    end(&w);
}

/* What is behind those that are kept is gone over each time; and it is found all the same. */
static void test_what_is_kept_is_bounded(void **state)
{
    (void)state;
    struct world w;
    unsigned count = 2 * EXPR_SEEN_MEMBERS_MAX;
    begin(&w);
    put_fields(&w, "", count, "");
    for (int i = 0; i < 3; i++) {
        w.scope.work = 0;
        gives(&w, "input.f70000 + input.f7", "70007");
    }
    assert_true(w.seen.members <= EXPR_SEEN_MEMBERS_MAX);
    assert_true(w.arena.used_bytes < 4u << 20);
    w.scope.work = 0;
    assert_true(work_of(&w, "size(input)", "131072") < 2 * count);
    end(&w);
}

static void test_what_was_looked_into_is_bounded(void **state)
{
    (void)state;
    struct world w;
    char text[64], json[16];
    begin(&w);
    put_fields(&w, "[\"0123456789012345678901234567890123456789012345678901234567890123\",", 500,
               "]");
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 500; i++) {
            (void)snprintf(text, sizeof text, "input.f%u[1]", i);
            (void)snprintf(json, sizeof json, "%u", i);
            gives(&w, text, json);
        }
    }
    assert_int_equal(w.seen.count, 64);
    end(&w);
}

/* What is kept saves looking for it, not reading it: a text with escapes is decoded, a number
 * copied, by each expression that takes it, and keys with escapes are by each look-up. */
static void test_what_is_read_again_is_paid_for_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    buf_add_str(&w.input, "{\"number\":1.");
    for (int i = 0; i < 100 * 64; i++) {
        buf_add_char(&w.input, '5');
    }
    buf_add_str(&w.input, ",\"text\":\"");
    for (int i = 0; i < 50 * 64; i++) {
        buf_add_str(&w.input, "\\n");
    }
    buf_add_str(&w.input, "\",\"keys\":{\"");
    for (int i = 0; i < 50 * 64; i++) {
        buf_add_str(&w.input, "\\n");
    }
    buf_add_str(&w.input, "\":1},\"list\":[\"\\n");
    for (int i = 0; i < 100 * 64; i++) {
        buf_add_char(&w.input, 'x');
    }
    buf_add_str(&w.input, "\"]}");
    gives(&w, "size(input) == 4 && size(input.keys) == 1 && size(input.list) == 1", "true");
    const char *each[] = {"input.text < input.text",
                          "input.text != input.text",
                          "input.number < input.number",
                          "'a' in input.keys || 'b' in input.keys",
                          "'a' in input.list || 'b' in input.list",
                          "input.list[0] < input.list[0]"};
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        assert_true(work_of(&w, each[i], "false") >= 2 * 100);
    }
    assert_true(work_of(&w, "input.list == input.list", "true") >= 2 * 100);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_document_is_gone_over_by_the_first_expression_only),
        cmocka_unit_test(test_a_list_is_gone_over_as_far_as_somebody_looked),
        cmocka_unit_test(test_keys_are_what_they_say_and_the_last_one_of_a_name_counts),
        cmocka_unit_test(test_what_is_too_deep_is_so_for_each_that_takes_it),
        cmocka_unit_test(test_what_is_kept_is_bounded),
        cmocka_unit_test(test_what_was_looked_into_is_bounded),
        cmocka_unit_test(test_what_is_read_again_is_paid_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
