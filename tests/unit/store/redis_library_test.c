#include "store/redis_library.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/limits.h"

static void test_the_name_is_in_the_text_and_no_placeholder_is_left(void **state)
{
    (void)state;
    char name[LIBRARY_NAME_BYTES];
    struct buf text = {0};
    library_text(library_name(name), &text);
    const char *whole = buf_cstr(&text);
    assert_int_equal(strlen(name), strlen("marathon_v1_0123456789ab"));
    assert_int_equal(strncmp(whole, "#!lua name=marathon_v1_", 23), 0);
    assert_null(strstr(whole, "@LIBRARY@"));
    assert_non_null(strstr(whole, name));
    buf_free(&text);
}

static void test_its_bound_of_events_is_the_models(void **state)
{
    (void)state;
    struct buf text = {0};
    struct buf line = {0};
    library_text("x", &text);
    buf_addf(&line, "EVENTS_KEPT = %u ", EVENTS_KEPT_MAX);
    assert_non_null(strstr(buf_cstr(&text), buf_cstr(&line)));
    buf_free(&text);
    buf_free(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_name_is_in_the_text_and_no_placeholder_is_left),
        cmocka_unit_test(test_its_bound_of_events_is_the_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
