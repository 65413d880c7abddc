#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "expr/template.h"

static struct bytes read_root(void *context, const struct expr_ref *ref)
{
    (void)context;
    return ref->root == EXPR_INPUT
               ? BYTES_LIT(
                     "{\"city\":\"K\\u00f6ln\",\"n\":3,\"deep\":{\"list\":[1,2.50,{\"a\":null}]},"
                     "\"quote\":\"say \\\"hi\\\"\",\"sneaky\":\"${input.n}\"}")
               : BYTES_LIT("\"t1\"");
}

static enum err render(const char *json, size_t bytes_max, struct buf *out,
                       struct template_fault *ret_fault, char ret_pointer[100])
{
    struct arena arena = {0};
    struct doc *doc;
    struct doc_fault doc_fault;
    assert_int_equal(doc_parse(bytes_str(json), &doc, &doc_fault), ERR_OK);
    struct template *t = NULL;
    enum err e = template_parse(&arena, doc_root(doc), EXPR_ROOTS_STEP, &t, ret_fault);
    doc_free(doc); /* the template stands by itself */
    if (e == ERR_OK && t == NULL) {
        buf_add_str(out, "no template");
    } else if (e == ERR_OK) {
        struct expr_scope scope = {.read = read_root, .arena = &arena};
        e = template_render(t, &scope, bytes_max, out, ret_fault);
    }
    if (e != ERR_OK) {
        memcpy(ret_pointer, ret_fault->pointer.ptr, ret_fault->pointer.len);
        ret_pointer[ret_fault->pointer.len] = '\0';
    }
    arena_free(&arena);
    return e;
}

static void gives(const char *json, const char *rendered)
{
    struct buf out = {0};
    struct template_fault fault = {.fault = {.detail = ""}};
    char pointer[100];
    assert_int_equal(render(json, 1000, &out, &fault, pointer), ERR_OK);
    assert_string_equal(buf_cstr(&out), rendered);
    buf_free(&out);
}

static void fails(const char *json, const char *pointer, const char *detail)
{
    struct buf out = {0};
    struct template_fault fault = {.fault = {.detail = ""}};
    char at[100];
    assert_int_not_equal(render(json, 100, &out, &fault, at), ERR_OK);
    assert_string_equal(at, pointer);
    assert_string_equal(fault.fault.detail, detail);
    buf_free(&out);
}

static void test_a_string_that_is_one_expression_keeps_its_kind(void **state)
{
    (void)state;
    gives("{\"n\":\"${input.n}\"}", "{\"n\":3}");
    gives("[\"${input.deep.list}\", \"${ input.n > 2 }\",1]", "[[1,2.50,{\"a\":null}],true,1]");
    gives("\"${input.deep.list[2].a}\"", "null");
    gives("{\"c\":\"${input.city}\"}", "{\"c\":\"K\\u00f6ln\"}");
    gives("\"${{'a': [1, '}']}}\"", "{\"a\":[1,\"}\"]}");
}

static void test_within_a_longer_string_values_are_text(void **state)
{
    (void)state;
    gives("\"in ${input.city}, ${input.n} times\"", "\"in K\xc3\xb6ln, 3 times\"");
    gives("\" ${input.n}\"", "\" 3\"");
    gives("\"${input.n}${input.n}\"", "\"33\"");
    gives("\"l: ${input.deep.list}\"", "\"l: [1,2.50,{\\\"a\\\":null}]\"");
    gives("\"${null} ${1.0} ${true} ${input.quote}\"", "\"null 1.0 true say \\\"hi\\\"\"");
}

static void test_two_dollars_stand_for_one(void **state)
{
    (void)state;
    gives("\"$${input.n}\"", "\"${input.n}\"");
    gives("\"$$${input.n}\"", "\"$${input.n}\"");
    gives("\"a$${b${input.n}\"", "\"a${b3\"");
}

static void test_what_holds_no_expression_is_no_template(void **state)
{
    (void)state;
    gives("{\"a\":\"$5 {x} $\",\"b\":[1,null]}", "no template");
}

static void test_results_are_not_scanned_again(void **state)
{
    (void)state;
    gives("\"${input.sneaky}\"", "\"${input.n}\"");
    gives("\"a ${input.sneaky}\"", "\"a ${input.n}\"");
}

static void test_faults_say_where(void **state)
{
    (void)state;
    fails("{\"a\":[1,{\"b/c\":\"${input.\"}]}", "/a/1/b~1c",
          "expected the name of a member; others are written [\"...\"]\n"
          "  input.\n"
          "        ^");
    fails("{\"a\":\"${input.n\"}", "/a",
          "the expression does not end: expected '}'\n"
          "  input.n\n"
          "         ^");
    fails("{\"a\":\"x ${input.n + }\"}", "/a",
          "expected a value: a literal, input, steps.<name>, item, index or task\n"
          "  input.n + }\n"
          "            ^");
    fails("[\"x ${\"]", "/0",
          "the expression ends where a value is expected\n"
          "  \n"
          "  ^");
    fails("{\"${x}\":1}", "/${x}", "a key holds ${, but only values are templates");
    fails("{\"a\":[0,\"${input.nope}\"]}", "/a/1",
          "there is no \"nope\" in input; it has \"city\", \"n\", \"deep\", \"quote\", \"sneaky\"");
}

static void test_what_is_rendered_is_bounded(void **state)
{
    (void)state;
    fails("[\"${input.deep}\",\"${input.deep}\",\"${input.deep}\",\"${input.deep}\"]", "/3",
          "with this value the whole is over 100 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_string_that_is_one_expression_keeps_its_kind),
        cmocka_unit_test(test_within_a_longer_string_values_are_text),
        cmocka_unit_test(test_two_dollars_stand_for_one),
        cmocka_unit_test(test_what_holds_no_expression_is_no_template),
        cmocka_unit_test(test_results_are_not_scanned_again),
        cmocka_unit_test(test_faults_say_where),
        cmocka_unit_test(test_what_is_rendered_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
