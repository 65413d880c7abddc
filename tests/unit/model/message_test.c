#include "model/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_names_are_there_and_apart(void **state)
{
    (void)state;
    unsigned known = 0;
    for (int i = 0; i < 256; i++) {
        const char *name = message_type_name((enum message_type)i);
        assert_non_null(name);
        if (strcmp(name, "UNKNOWN") == 0) {
            continue;
        }
        known++;
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(name, message_type_name((enum message_type)k));
        }
    }
    assert_true(known >= 36);
    assert_string_equal(message_type_name(MSG_START), "START");
    assert_string_equal(message_type_name(MSG_READY), "READY");
    assert_string_equal(message_type_name((enum message_type)0), "UNKNOWN");
    assert_string_equal(message_type_name((enum message_type)9999), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_there_and_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
