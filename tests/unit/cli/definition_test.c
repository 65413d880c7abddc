#include "cli/definition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* How a fault at this pointer is shown. */
static void shows(const char *text, const char *pointer, const char *detail, const char *want)
{
    char path[] = "menu.yaml";
    struct definition d = {.path = path};
    struct yaml_fault fault;
    struct buf out = {0};
    buf_add_str(&d.text, text);
    assert_int_equal(yaml_read(bytes_str(text), 10000, &d.json, &d.places, &fault), ERR_OK);
    definition_put_fault(&out, &d, pointer, bytes_str(detail));
    assert_string_equal(buf_cstr(&out), want);
    buf_free(&out);
    buf_free(&d.text);
    buf_free(&d.json);
    yaml_places_free(&d.places);
}

static void test_a_fault_is_shown_with_its_line_and_a_caret(void **state)
{
    (void)state;
    shows("name: menu\nsteps:\n  - name: a\n    needs: [b]\n", "/steps/0/needs/0",
          "there is no step named \"b\"",
          "menu.yaml:4:13: /steps/0/needs/0: there is no step named \"b\"\n"
          "     4 |     needs: [b]\n"
          "       |             ^\n");
}

static void test_further_lines_of_a_detail_are_set_in(void **state)
{
    (void)state;
    shows("steps:\n  - {when: inputt.n}\n", "/steps/0/when", "no such root\ninputt.n\n^",
          "menu.yaml:2:6: /steps/0/when: no such root\n"
          "         inputt.n\n"
          "         ^\n"
          "     2 |   - {when: inputt.n}\n"
          "       |      ^\n");
}

static void test_of_a_long_line_the_part_around_the_place_is_shown(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_add_str(&text, "{\"description\": \"");
    for (int i = 0; i < 300; i++) {
        buf_add_char(&text, 'x');
    }
    buf_add_str(&text, "\", \"steps\": 1}");
    struct buf want = {0};
    buf_add_str(&want, "menu.yaml:1:322: /steps: no\n     1 | ");
    for (int i = 0; i < 75; i++) {
        buf_add_char(&want, 'x');
    }
    buf_add_str(&want, "\", \"steps\": 1}\n       | ");
    buf_addf(&want, "%*s^\n", 79, "");
    shows(buf_cstr(&text), "/steps", "no", buf_cstr(&want));
    buf_free(&text);
    buf_free(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fault_is_shown_with_its_line_and_a_caret),
        cmocka_unit_test(test_further_lines_of_a_detail_are_set_in),
        cmocka_unit_test(test_of_a_long_line_the_part_around_the_place_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
