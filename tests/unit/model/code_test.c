#include "model/code.h"

#include <ctype.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_every_code_has_a_name_that_reads_back(void **state)
{
    (void)state;
    for (int i = CODE_NONE + 1; i < CODE_COUNT; i++) {
        const struct code_info *info = code_info((enum code)i);
        assert_non_null(info->name);
        assert_true(info->title[0] != '\0');
        assert_int_equal(code_parse(bytes_str(info->name)), i);
        for (const char *c = info->name; *c != '\0'; c++) {
            assert_true(isupper((unsigned char)*c) || *c == '_');
        }
    }
    assert_string_equal(code_info(CODE_NONE)->name, "");
}

static void test_unknown_names_are_none(void **state)
{
    (void)state;
    assert_int_equal(code_parse(BYTES_LIT("NOPE")), CODE_NONE);
    assert_int_equal(code_parse(BYTES_LIT("task_not_found")), CODE_NONE);
    assert_int_equal(code_parse(BYTES_NONE), CODE_NONE);
}

static void test_requests_have_an_http_status_and_steps_have_none(void **state)
{
    (void)state;
    for (int i = CODE_NONE + 1; i < CODE_COUNT; i++) {
        int status = code_info((enum code)i)->http_status;
        if (i < CODE_FUNCTION_FAILED) {
            assert_in_range(status, 400, 599);
        } else if (i <= CODE_CANCELLED) {
            assert_int_equal(status, 0);
        } else { /* appended since: of either kind */
            assert_true(status == 0 || (status >= 400 && status <= 599));
        }
    }
    assert_int_equal(code_info(CODE_INVALID_PIPELINE)->http_status, 422);
    assert_int_equal(code_info(CODE_TASK_EXISTS)->http_status, 409);
    assert_int_equal(code_info(CODE_STORE_FULL)->http_status, 503);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_a_name_that_reads_back),
        cmocka_unit_test(test_unknown_names_are_none),
        cmocka_unit_test(test_requests_have_an_http_status_and_steps_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
