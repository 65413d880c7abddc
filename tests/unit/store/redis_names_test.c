#include "store/redis_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void expect(bool tags, enum redis_key key, const char *id, const char *name)
{
    struct redis_names names = {.tags = tags};
    struct buf out = {0};
    redis_name(&names, key, 7, bytes_str(id), &out);
    assert_string_equal(buf_cstr(&out), name);
    buf_free(&out);
}

static void test_names_are_those_that_operators_know(void **state)
{
    (void)state;
    expect(false, KEY_DOC, "analysis_123", "checkpoint:analysis_123");
    expect(false, KEY_ERROR, "a:b", "error:a:b");
    expect(false, KEY_TASK, "t", "marathon:task:t");
    expect(false, KEY_OWNER, "", "marathon:owner:p07");
    expect(false, KEY_LIVE, "", "marathon:live:p07");
    expect(false, KEY_LIST, "", "marathon:list:p07");
    expect(false, KEY_IDEM, "ab", "marathon:idem:p07:ab");
    expect(false, KEY_SECRET, "", "marathon:secret");
    expect(false, KEY_LIMIT, "gpu", "marathon:limit:gpu");
    expect(false, KEY_PIPELINE, "menu:3", "marathon:pipeline:menu:3");
    expect(false, KEY_CHANGED, "", "marathon:pipelines:changed");
}

static void test_a_cluster_finds_the_partition_in_braces(void **state)
{
    (void)state;
    expect(true, KEY_DOC, "t", "checkpoint:{p07}:t");
    expect(true, KEY_ERROR, "t", "error:{p07}:t");
    expect(true, KEY_TASK, "t", "marathon:task:{p07}:t");
    expect(true, KEY_OWNER, "", "marathon:owner:{p07}");
    expect(true, KEY_IDEM, "ab", "marathon:idem:{p07}:ab");
    expect(true, KEY_SECRET, "", "marathon:secret:{shared}");
    expect(true, KEY_LIMIT, "{gpu}", "marathon:limit:{shared}:{gpu}");
    expect(true, KEY_PIPELINE, "menu:3", "marathon:pipeline:{shared}:menu:3");
    expect(true, KEY_CHANGED, "", "marathon:pipelines:changed:{shared}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_those_that_operators_know),
        cmocka_unit_test(test_a_cluster_finds_the_partition_in_braces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
