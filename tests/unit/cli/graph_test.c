#include "cli/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct pipeline *parse(const char *text)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    if (pipeline_parse(bytes_str(text), &p, &fault) != ERR_OK) {
        fail_msg("%s: %s", fault.pointer, fault.detail);
    }
    return p;
}

#define SHOP                                                                                       \
    "{\"name\":\"shop\",\"steps\":[{\"name\":\"a\",\"function\":\"f\"},"                           \
    "{\"name\":\"b\",\"function\":\"g\",\"needs\":[\"a\"],\"when\":\"input.n > 1\"},"              \
    "{\"name\":\"c\",\"function\":\"g\",\"needs\":[\"a\"],\"for_each\":\"input.l\","               \
    "\"max_parallel\":8,\"on_failure\":\"skip\"},"                                                 \
    "{\"name\":\"d\",\"wait\":{\"signal\":\"go\"},\"needs\":[\"c\"]},"                             \
    "{\"name\":\"e\",\"function\":\"h\",\"needs\":[\"b\",\"d\",\"a\"]},"                           \
    "{\"name\":\"x\",\"pipeline\":\"bake\",\"needs\":[]},"                                         \
    "{\"name\":\"z\",\"function\":\"clean\",\"finally\":true}]}"

static void test_a_tree_shows_each_step_once_with_all_that_it_needs(void **state)
{
    (void)state;
    struct pipeline *p = parse(SHOP);
    struct text_style plain = {.utf8 = false};
    struct buf out = {0};
    graph_put_tree(&out, p, &plain);
    assert_string_equal(buf_cstr(&out), "shop: 7 steps\n"
                                        "\n"
                                        "a  f\n"
                                        "|- b  g, when input.n > 1\n"
                                        "`- c  g, for each of input.l, 8 at once, on failure skip\n"
                                        "   `- d  waits for the signal go\n"
                                        "      `- e  h (also after a, b)\n"
                                        "x  pipeline bake\n"
                                        "finally z  clean\n");
    buf_clear(&out);
    p->version = 3;
    plain.utf8 = true;
    graph_put_tree(&out, p, &plain);
    assert_non_null(strstr(buf_cstr(&out), "shop version 3: 7 steps\n"));
    assert_non_null(strstr(buf_cstr(&out), "\xe2\x94\x9c\xe2\x94\x80 b"));
    buf_free(&out);
    pipeline_unref(p);
}

static void test_dot_has_each_step_and_each_need(void **state)
{
    (void)state;
    struct pipeline *p =
        parse("{\"name\":\"s\",\"steps\":[{\"name\":\"a\",\"function\":\"f\"},"
              "{\"name\":\"b\",\"function\":\"g\",\"when\":\"input.t == \\\"x\\\"\"}]}");
    struct buf out = {0};
    graph_put_dot(&out, p);
    assert_string_equal(buf_cstr(&out),
                        "digraph \"s\" {\n  rankdir=LR;\n  node [shape=box,style=rounded];\n"
                        "  \"a\" [label=\"a\\nf\"];\n"
                        "  \"b\" [label=\"b\\ng, when input.t == \\\"x\\\"\"];\n"
                        "  \"a\" -> \"b\";\n}\n");
    buf_free(&out);
    pipeline_unref(p);
}

static void test_a_long_chain_is_drawn_without_recursion(void **state)
{
    (void)state;
    struct buf text = {0};
    struct buf out = {0};
    struct text_style plain = {.utf8 = false};
    buf_add_str(&text, "{\"name\":\"long\",\"steps\":[");
    for (int i = 0; i < 1000; i++) {
        buf_addf(&text, "%s{\"name\":\"s%d\",\"function\":\"f\"}", i > 0 ? "," : "", i);
    }
    buf_add_str(&text, "]}");
    struct pipeline *p = parse(buf_cstr(&text));
    graph_put_tree(&out, p, &plain);
    assert_non_null(strstr(buf_cstr(&out), "s999  f\n"));
    buf_free(&text);
    buf_free(&out);
    pipeline_unref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tree_shows_each_step_once_with_all_that_it_needs),
        cmocka_unit_test(test_dot_has_each_step_and_each_need),
        cmocka_unit_test(test_a_long_chain_is_drawn_without_recursion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
