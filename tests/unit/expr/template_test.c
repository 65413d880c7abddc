#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "expr/template.h"

static struct bytes read_root(void *context, const struct expr_ref *ref)
{
    if (context != NULL && ref->root == EXPR_INPUT) {
        return *(const struct bytes *)context;
    }
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
        struct parts parts;
        e = template_render(t, &scope, bytes_max, &parts, ret_fault);
        if (e == ERR_OK) {
            buf_add_bytes(out, parts_join(&parts, &arena));
        }
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
    gives("\"in ${input.city}, ${input.n} times\"", "\"in K\\u00f6ln, 3 times\"");
    gives("\" ${input.n}\"", "\" 3\"");
    gives("\"${input.n}${input.n}\"", "\"33\"");
    gives("\"l: ${input.deep.list}\"", "\"l: [1,2.50,{\\\"a\\\":null}]\"");
    gives("\"${null} ${1.0} ${true} ${input.quote}\"", "\"null 1.0 true say \\\"hi\\\"\"");
}

static struct template *parsed(struct arena *arena, const char *json)
{
    struct doc *doc;
    struct doc_fault doc_fault;
    struct template_fault fault;
    struct template *t = NULL;
    assert_int_equal(doc_parse(bytes_str(json), &doc, &doc_fault), ERR_OK);
    assert_int_equal(template_parse(arena, doc_root(doc), EXPR_ROOTS_STEP, &t, &fault), ERR_OK);
    doc_free(doc);
    return t;
}

/* Values go where they are wanted from where they are: whoever sends the parts copies them once, or
 * not at all. */
static void test_what_passes_through_unchanged_stays_where_it_is(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct bytes input = BYTES_LIT("{\"text\":\"a\\n\\\"b\\\"\",\"list\":[1,{\"c\":2}]}");
    const struct template *t = parsed(
        &arena, "{\"t\":\"${input.text}\",\"l\":\"${input.list}\",\"in\":\"- ${input.text}\","
                "\"c\":\"${input.list[0] < 2 ? input.list : null}\",\"all\":\"${input}\"}");
    struct expr_scope scope = {.read = read_root, .context = &input, .arena = &arena};
    struct template_fault fault;
    struct parts p;
    assert_int_equal(template_render(t, &scope, 1000, &p, &fault), ERR_OK);
    assert_int_equal(p.count, 11);
    assert_ptr_equal(p.items[1].ptr, input.ptr + 8);
    assert_ptr_equal(p.items[3].ptr, input.ptr + 26);
    assert_ptr_equal(p.items[5].ptr, input.ptr + 9); /* without the quotes */
    assert_ptr_equal(p.items[7].ptr, input.ptr + 26);
    assert_ptr_equal(p.items[9].ptr, input.ptr);
    assert_true(
        bytes_is(parts_join(&p, &arena),
                 "{\"t\":\"a\\n\\\"b\\\"\",\"l\":[1,{\"c\":2}],\"in\":\"- a\\n\\\"b\\\"\","
                 "\"c\":[1,{\"c\":2}],\"all\":{\"text\":\"a\\n\\\"b\\\"\",\"list\":[1,{\"c\":"
                 "2}]}}"));
    arena_free(&arena);
}

/* Expressions look at decoded texts, wherever these come from. */
static void test_texts_are_decoded_where_an_expression_looks_at_them(void **state)
{
    (void)state;
    gives("\"${input.city == 'K\xc3\xb6ln' && input.city.startsWith('K\xc3\xb6') && "
          "size(input.city) == 4}\"",
          "true");
    gives(
        "\"${input.city in ['K\xc3\xb6ln'] && ['K\xc3\xb6ln'] == [input.city] && {'a': input.city} "
        "== {'a': 'K\xc3\xb6ln'} && {'K\xc3\xb6ln': 1}[input.city] == 1}\"",
        "true");
    gives("\"${'in ' + input.city} ${'K\xc3\xb6ln!'.startsWith(input.city)} ${'L' > input.city}\"",
          "\"in K\\u00f6ln true true\"");
    gives("\"${input.city + '!'} ${string(input.city) + '\\\"'}\"",
          "\"K\\u00f6ln! K\\u00f6ln\\\"\"");
    gives("\"${input.city + '!' == 'K\xc3\xb6ln!' && size(input.city + input.city) == 8 && "
          "(input.city + '!').contains('\xc3\xb6ln!')}\"",
          "true");
    gives("\"${[input.city, 'x']}\"", "[\"K\\u00f6ln\",\"x\"]");
    gives("\"${{input.city: input.n}}\"", "{\"K\\u00f6ln\":3}");
}

/* A list in so many of its kind, put into as many again. */
static enum err nests(unsigned around, unsigned inside, struct template_fault *ret_fault)
{
    struct arena arena = {0};
    struct buf json = {0}, input = {0};
    for (unsigned i = 0; i < around; i++) {
        buf_add_char(&json, '[');
    }
    buf_add_str(&json, "\"${input}\"");
    for (unsigned i = 0; i < around; i++) {
        buf_add_char(&json, ']');
    }
    for (unsigned i = 0; i < inside; i++) {
        buf_add_char(&input, '[');
    }
    for (unsigned i = 0; i < inside; i++) {
        buf_add_char(&input, ']');
    }
    struct bytes value = buf_bytes(&input);
    struct expr_scope scope = {.read = read_root, .context = &value, .arena = &arena};
    struct parts p;
    enum err e = template_render(parsed(&arena, buf_cstr(&json)), &scope, 1000, &p, ret_fault);
    if (e == ERR_OK) {
        assert_int_equal(json_check(parts_join(&p, &arena), NULL, NULL), ERR_OK);
    }
    buf_free(&json);
    buf_free(&input);
    arena_free(&arena);
    return e;
}

static void test_what_is_rendered_is_as_deep_as_json_may_be_and_no_deeper(void **state)
{
    (void)state;
    struct template_fault fault;
    assert_int_equal(nests(0, JSON_DEPTH_MAX, &fault), ERR_OK);
    assert_int_equal(nests(1, JSON_DEPTH_MAX - 1, &fault), ERR_OK);
    assert_int_equal(nests(JSON_DEPTH_MAX, 1, &fault), ERR_INVALID);
    assert_int_equal(nests(1, JSON_DEPTH_MAX, &fault), ERR_INVALID);
    assert_string_equal(fault.fault.detail,
                        "with this value the whole input is nested more than 64 levels deep");
    gives("{\"deep\":[[\"${[[1],[2],[3],[4],[5],[6],[7],[8],[9],[10],[11],[12],[13],[14],[15],[16],"
          "[17],[18],[19],[20],[21],[22],[23],[24],[25],[26],[27],[28],[29],[30],[31],[32]]}\"]]}",
          "{\"deep\":[[[[1],[2],[3],[4],[5],[6],[7],[8],[9],[10],[11],[12],[13],[14],[15],[16],"
          "[17],[18],[19],[20],[21],[22],[23],[24],[25],[26],[27],[28],[29],[30],[31],[32]]]]}");
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
          "expected the name of a member; write other names as [\"...\"]\n"
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
          "the expression ends, but a value is expected\n"
          "  \n"
          "  ^");
    fails("{\"${x}\":1}", "/${x}", "a key contains ${, but only values may contain expressions");
    fails("{\"a\":[0,\"${input.nope}\"]}", "/a/1",
          "there is no \"nope\" in input; it has \"city\", \"n\", \"deep\", \"quote\", \"sneaky\"");
}

static void test_what_is_rendered_is_bounded(void **state)
{
    (void)state;
    fails("[\"${input.deep}\",\"${input.deep}\",\"${input.deep}\",\"${input.deep}\"]", "/3",
          "with this value the whole input is larger than 100 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_string_that_is_one_expression_keeps_its_kind),
        cmocka_unit_test(test_within_a_longer_string_values_are_text),
        cmocka_unit_test(test_what_passes_through_unchanged_stays_where_it_is),
        cmocka_unit_test(test_texts_are_decoded_where_an_expression_looks_at_them),
        cmocka_unit_test(test_what_is_rendered_is_as_deep_as_json_may_be_and_no_deeper),
        cmocka_unit_test(test_two_dollars_stand_for_one),
        cmocka_unit_test(test_what_holds_no_expression_is_no_template),
        cmocka_unit_test(test_results_are_not_scanned_again),
        cmocka_unit_test(test_faults_say_where),
        cmocka_unit_test(test_what_is_rendered_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
