#include "model/pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct pipeline *parsed(struct bytes text)
{
    struct pipeline *p = NULL;
    struct pipeline_fault fault;
    if (pipeline_parse(text, &p, &fault) != ERR_OK) {
        fail_msg("%s: %s", fault.pointer, fault.detail);
    }
    return p;
}

static void expect_source(const char *text, const char *source)
{
    struct pipeline *p = parsed(bytes_str(text));
    struct pipeline *again = parsed(p->source);
    assert_string_equal((const char *)p->source.ptr, source);
    assert_string_equal((const char *)again->source.ptr, source);
    assert_memory_equal(p->hash.digest, again->hash.digest, SHA256_BYTES);
    assert_memory_equal(p->hash.digest, sha256_of(bytes_str(source)).digest, SHA256_BYTES);
    pipeline_unref(again);
    pipeline_unref(p);
}

static void test_a_named_pipeline_is_written_in_full(void **state)
{
    (void)state;
    expect_source(
        " { \"steps\" : [ { \"function\" : \"f\" , \"name\" : \"a\" } ,\n"
        "{\"timeout\":0.25,\"input\":{\"b\":1.0,\"a\":\"\\u00e9\"},\"max_retries\":0,\"retryable\":"
        "false,"
        "\"description\":\"d\",\"function\":\"g\",\"name\":\"b\"} ], \"name\":\"p\", "
        "\"description\":\"\\\"\" }",
        "{\"name\":\"p\",\"description\":\"\\\"\",\"steps\":["
        "{\"name\":\"a\",\"function\":\"f\",\"timeout\":600,\"retryable\":true,\"needs\":[]},"
        "{\"name\":\"b\",\"function\":\"g\",\"description\":\"d\",\"timeout\":0.25,\"retryable\":"
        "false,"
        "\"max_retries\":0,\"needs\":[\"a\"],\"input\":{\"b\":1,\"a\":\"\xc3\xa9\"}}]}");
}

static void test_an_unnamed_one_is_the_bare_array(void **state)
{
    (void)state;
    expect_source("[{\"function\":\"echo\"}]", "[{\"name\":\"echo\",\"function\":\"echo\","
                                               "\"timeout\":600,\"retryable\":true,\"needs\":[]}]");
}

static void test_definitions_that_mean_the_same_have_one_hash(void **state)
{
    (void)state;
    struct pipeline *a =
        parsed(BYTES_LIT("[{\"name\":\"a\",\"function\":\"f\"},{\"name\":\"b\",\"function\":\"f\"},"
                         "{\"name\":\"c\",\"function\":\"f\",\"needs\":[\"b\",\"a\"]}]"));
    struct pipeline *b = parsed(BYTES_LIT(
        "[{\"function\":\"f\",\"name\":\"a\",\"timeout\":600.0,\"needs\":[]},"
        "{\"name\":\"b\",\"function\":\"f\",\"needs\":[\"a\"],\"description\":\"\"},"
        "{\"name\":\"c\",\"function\":\"f\",\"needs\":[\"a\",\"b\"],\"retryable\":true}]"));
    struct pipeline *c =
        parsed(BYTES_LIT("[{\"name\":\"a\",\"function\":\"f\"},{\"name\":\"b\",\"function\":\"f\"},"
                         "{\"name\":\"c\",\"function\":\"f\",\"needs\":[\"b\"]}]"));
    assert_memory_equal(a->hash.digest, b->hash.digest, SHA256_BYTES);
    assert_memory_not_equal(a->hash.digest, c->hash.digest, SHA256_BYTES);
    pipeline_unref(a);
    pipeline_unref(b);
    pipeline_unref(c);
}

static void test_every_millisecond_of_a_timeout_survives(void **state)
{
    (void)state;
    for (uint32_t ms = 1; ms < 604800000; ms += ms < 3000 ? 1 : ms) {
        struct buf text = {0};
        buf_addf(&text, "[{\"function\":\"f\",\"timeout\":%u.%03u}]", ms / 1000, ms % 1000);
        struct pipeline *p = parsed(buf_bytes(&text));
        struct pipeline *again = parsed(p->source);
        assert_int_equal(p->steps[0].timeout_ms, ms);
        assert_int_equal(again->steps[0].timeout_ms, ms);
        pipeline_unref(again);
        pipeline_unref(p);
        buf_free(&text);
    }
}

static void test_inputs_are_slices_of_the_source(void **state)
{
    (void)state;
    struct pipeline *p =
        parsed(BYTES_LIT("[{\"name\":\"a\",\"function\":\"f\",\"input\":{\"x\": 1}},"
                         "{\"name\":\"b\",\"function\":\"f\"},"
                         "{\"name\":\"c\",\"function\":\"f\",\"input\":{ }}]"));
    assert_true(bytes_is(p->steps[0].input, "{\"x\":1}"));
    assert_int_equal(p->steps[1].input.len, 0);
    assert_true(bytes_is(p->steps[2].input, "{}"));
    assert_true(p->steps[2].input.ptr > p->source.ptr &&
                p->steps[2].input.ptr < p->source.ptr + p->source.len);
    pipeline_unref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_named_pipeline_is_written_in_full),
        cmocka_unit_test(test_an_unnamed_one_is_the_bare_array),
        cmocka_unit_test(test_definitions_that_mean_the_same_have_one_hash),
        cmocka_unit_test(test_every_millisecond_of_a_timeout_survives),
        cmocka_unit_test(test_inputs_are_slices_of_the_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
