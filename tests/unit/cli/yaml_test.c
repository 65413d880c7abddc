#include "cli/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static void reads(const char *yaml, const char *json)
{
    struct buf out = {0};
    struct yaml_places places = {0};
    struct yaml_fault fault;
    if (yaml_read(bytes_str(yaml), 1000, &out, &places, &fault) != ERR_OK) {
        fail_msg("%s: %zu:%zu: %s", yaml, fault.line, fault.column, fault.reason);
    }
    assert_string_equal(buf_cstr(&out), json);
    yaml_places_free(&places);
    buf_free(&out);
}

static void refuses(const char *yaml, const char *where_and_why)
{
    struct buf out = {0};
    char have[300];
    struct yaml_places places = {0};
    struct yaml_fault fault;
    assert_int_not_equal(yaml_read(bytes_str(yaml), 1000, &out, &places, &fault), ERR_OK);
    snprintf(have, sizeof have, "%zu:%zu: %s", fault.line, fault.column, fault.reason);
    assert_string_equal(have, where_and_why);
    yaml_places_free(&places);
    buf_free(&out);
}

static void test_a_definition_becomes_json(void **state)
{
    (void)state;
    reads(
        "name: menu\n"
        "steps:\n"
        "  - name: a   # a comment\n"
        "    function: menu.extract\n"
        "    timeout: 2.5\n"
        "    needs: []\n"
        "    when: ${input.n > 1}\n"
        "    input:\n"
        "      text: |\n"
        "        two\n"
        "        lines\n",
        "{\"name\":\"menu\",\"steps\":[{\"name\":\"a\",\"function\":\"menu.extract\",\"timeout\":"
        "2.5,\"needs\":[],\"when\":\"${input.n > 1}\",\"input\":{\"text\":\"two\\nlines\\n\"}}]}");
    reads("{\"name\": \"menu\", \"n\": [1, true, null, \"\\u00e4\\n\"]}",
          "{\"name\":\"menu\",\"n\":[1,true,null,\"\xc3\xa4\\n\"]}");
}

static void test_plain_scalars_are_those_of_the_core_schema(void **state)
{
    (void)state;
    reads("[null, ~, Null, nil]", "[null,null,null,\"nil\"]");
    reads("a:\nb: ''", "{\"a\":null,\"b\":\"\"}");
    reads("[true, True, FALSE, yes, on, no]", "[true,true,false,\"yes\",\"on\",\"no\"]");
    reads("[1, -2, +3, 007, 0, 12345678901234567890]", "[1,-2,3,7,0,12345678901234567890]");
    reads("[.5, 5., -1.50, 1e3, 1.5E-3, 1e, 1.2.3, e3, '-', +]",
          "[0.5,5,-1.50,1e3,1.5E-3,\"1e\",\"1.2.3\",\"e3\",\"-\",\"+\"]");
    reads("['1', \"true\", !!str 7, 2026-02-02T18:30:00Z, 10%]",
          "[\"1\",\"true\",\"7\",\"2026-02-02T18:30:00Z\",\"10%\"]");
    reads("on: [A]", "{\"on\":[\"A\"]}");
}

static void test_an_alias_stands_for_its_anchor(void **state)
{
    (void)state;
    reads("a: &x {n: 1}\nb: *x\nc: [*x, *x]",
          "{\"a\":{\"n\":1},\"b\":{\"n\":1},\"c\":[{\"n\":1},{\"n\":1}]}");
}

static void test_what_json_does_not_have_is_refused(void **state)
{
    (void)state;
    refuses("a: .inf", "1:4: .inf does not exist in JSON");
    refuses("a: 1\nb: 0x10", "2:4: write the number 0x10 with digits from 0 to 9, or in quotes");
    refuses("a: !!binary aGk=", "1:13: the tag tag:yaml.org,2002:binary is not supported");
    refuses("? [1, 2]\n: 3", "1:4: a key must be a string");
    refuses("a: &x {n: 1}\nb: {<<: *x}",
            "2:5: merge keys (<<) are not supported: an alias can only stand for a whole value");
    refuses("a: 1\n---\nb: 2",
            "3:1: a second document begins here: a file must hold one definition only");
    refuses("", "0:0: the file is empty");
    refuses("# nothing\n", "0:0: the file is empty");
}

static void test_what_is_no_yaml_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const bad[] = {"a: [1, 2",   "a: 1\n b: 2", "a: \"x",
                                      "a: 1\na: 2", "\ta: 1",      "a: *x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf out = {0};
        struct yaml_places places = {0};
        struct yaml_fault fault;
        if (yaml_read(bytes_str(bad[i]), 1000, &out, &places, &fault) == ERR_OK) {
            fail_msg("%s was taken: %s", bad[i], buf_cstr(&out));
        }
        assert_true(fault.line >= 1 && fault.column >= 1);
        assert_true(fault.reason[0] != '\0');
        yaml_places_free(&places);
        buf_free(&out);
    }
}

/* A thousand million of them: the bound comes first. */
static void test_aliases_of_aliases_are_bounded(void **state)
{
    (void)state;
    struct buf text = {0};
    struct buf out = {0};
    struct yaml_places places = {0};
    struct yaml_fault fault;
    buf_add_str(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 30; i++) {
        buf_addf(&text, "a%d: &a%d [*a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1);
    }
    assert_int_equal(yaml_read(buf_bytes(&text), 100000, &out, &places, &fault), ERR_TOO_LARGE);
    yaml_places_free(&places);
    buf_free(&out);
    out = (struct buf){0};
    refuses("a: &a [*a]", "1:9: nested more than 100 deep");
    buf_free(&text);
}

static void test_each_value_has_its_place(void **state)
{
    (void)state;
    struct buf out = {0};
    struct yaml_places places = {0};
    struct yaml_fault fault;
    assert_int_equal(
        yaml_read(
            BYTES_LIT("name: menu\nsteps:\n  - name: a\n    a/b~: 1\n  - {name: b, needs: [a]}\n"),
            1000, &out, &places, &fault),
        ERR_OK);
    static const struct {
        const char *pointer;
        size_t line, column;
    } want[] = {{"/name", 1, 1},           {"/steps", 2, 1},
                {"/steps/0", 3, 5},        {"/steps/0/name", 3, 5},
                {"/steps/0/a~1b~0", 4, 5}, {"/steps/1", 5, 6},
                {"/steps/1/needs", 5, 15}, {"/steps/1/needs/0", 5, 23},
                {"/steps/1/timeout", 5, 6} /* not there: of the step */};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct yaml_place *p = yaml_place_of(&places, want[i].pointer);
        if (p == NULL || p->line != want[i].line || p->column != want[i].column) {
            fail_msg("%s is at %zu:%zu", want[i].pointer, p ? p->line : 0, p ? p->column : 0);
        }
    }
    assert_null(yaml_place_of(&places, ""));
    yaml_places_free(&places);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_definition_becomes_json),
        cmocka_unit_test(test_plain_scalars_are_those_of_the_core_schema),
        cmocka_unit_test(test_an_alias_stands_for_its_anchor),
        cmocka_unit_test(test_what_json_does_not_have_is_refused),
        cmocka_unit_test(test_what_is_no_yaml_is_refused_with_its_place),
        cmocka_unit_test(test_aliases_of_aliases_are_bounded),
        cmocka_unit_test(test_each_value_has_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
