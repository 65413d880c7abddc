/* Retries and time limits in definitions: read, refused, written. */
#include "refused.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define A "{\"name\":\"a\",\"function\":\"f\""

#define CODE_RULE                                                                                  \
    "an error code must be a string of 1 to 64 of the characters A-Z a-z 0-9 _ . : -, such as "    \
    "\"STEP_TIMEOUT\""

static const struct refused bad_cases[] = {
    {"[" A ",\"max_retries\":3,\"retry\":{\"max_attempts\":4}}]", "/0/retry/max_attempts",
     "max_attempts is max_retries + 1: give one of the two"},
    {"[" A ",\"retry\":3}]", "/0/retry", "retry must be an object, not a number"},
    {"[" A ",\"retry\":null}]", "/0/retry", "retry must be an object, not null"},
    {"[" A ",\"retry\":{\"attempts\":3}}]", "/0/retry/attempts",
     "unknown field \"attempts\"; retry has max_attempts, initial, factor, max, jitter and on"},
    {"[" A ",\"retry\":{\"max_attempts\":0}}]", "/0/retry/max_attempts",
     "max_attempts must be a whole number from 1 to 101"},
    {"[" A ",\"retry\":{\"max_attempts\":102}}]", "/0/retry/max_attempts",
     "max_attempts must be a whole number from 1 to 101"},
    {"[" A ",\"retry\":{\"max_attempts\":2.5}}]", "/0/retry/max_attempts",
     "max_attempts must be a whole number from 1 to 101"},
    {"[" A ",\"retry\":{\"initial\":-1}}]", "/0/retry/initial",
     "retry/initial must be a number of seconds from 0 to 86400"},
    {"[" A ",\"retry\":{\"initial\":\"2s\"}}]", "/0/retry/initial",
     "retry/initial must be a number of seconds from 0 to 86400"},
    {"[" A ",\"retry\":{\"factor\":0.5}}]", "/0/retry/factor",
     "retry/factor must be a number from 1 to 100"},
    {"[" A ",\"retry\":{\"max\":86401}}]", "/0/retry/max",
     "retry/max must be a number of seconds from 0 to 86400"},
    {"[" A ",\"retry\":{\"initial\":10,\"max\":5}}]", "/0/retry/max",
     "max (the longest wait) must not be shorter than initial (the first wait)"},
    {"[" A ",\"retry\":{\"jitter\":1.1}}]", "/0/retry/jitter",
     "retry/jitter must be a fraction from 0 to 1"},
    {"[" A ",\"retry\":{\"on\":\"BUSY\"}}]", "/0/retry/on",
     "retry/on must be an array of 1 to 32 error codes"},
    {"[" A ",\"retry\":{\"on\":[]}}]", "/0/retry/on",
     "retry/on must be an array of 1 to 32 error codes"},
    {"[" A ",\"retry\":{\"on\":[\"BUSY\",429]}}]", "/0/retry/on/1", CODE_RULE},
    {"[" A ",\"retry\":{\"on\":[\"too busy\"]}}]", "/0/retry/on/0", CODE_RULE},
    {"[" A ",\"retry\":{\"on\":[\"BUSY\",\"BUSY\"]}}]", "/0/retry/on/1", "named twice: \"BUSY\""},
    {"[" A ",\"non_retryable\":{}}]", "/0/non_retryable",
     "non_retryable must be an array of 1 to 32 error codes"},
    {"[" A ",\"non_retryable\":[null]}]", "/0/non_retryable/0", CODE_RULE},
    {"[" A ",\"non_retryable\":[\"X\"],\"retry\":{\"on\":[\"X\"]}}]", "/0/non_retryable",
     "\"X\" is also in retry.on: a code can be in only one of the two"},
    {"[" A ",\"timeout_total\":0}]", "/0/timeout_total",
     "timeout_total must be a number of seconds from 0.001 to 604800"},
    {"[" A ",\"queue_timeout\":\"1m\"}]", "/0/queue_timeout",
     "queue_timeout must be a number of seconds from 0.001 to 604800"},
    {"[" A ",\"progress_timeout\":604801}]", "/0/progress_timeout",
     "progress_timeout must be a number of seconds from 0.001 to 604800"},
    {"[" A ",\"on_exhausted\":\"stop\"}]", "/0/on_exhausted",
     "on_exhausted must be \"fail\" (on_failure says what then; the default), \"pause\" (the "
     "task is paused; a resume tries the step again) or \"dead_letter\" (the task fails; a requeue "
     "of the dead letter tries the step again)"},
    {"[" A ",\"on_exhausted\":null}]", "/0/on_exhausted",
     "on_exhausted must be \"fail\" (on_failure says what then; the default), \"pause\" (the "
     "task is paused; a resume tries the step again) or \"dead_letter\" (the task fails; a requeue "
     "of the dead letter tries the step again)"},
    {"[" A ",\"on_exhausted\":\"dead_letter\",\"on_failure\":\"skip\"}]", "/0/on_exhausted",
     "a dead letter fails its task: on_failure must be \"fail\" or absent where on_exhausted is "
     "\"dead_letter\""},
};

static void test_bad_ones_are_told_with_pointer_and_detail(void **state)
{
    (void)state;
    assert_refused(bad_cases, sizeof bad_cases / sizeof bad_cases[0]);
}

static void test_all_of_it_is_read_and_written_again(void **state)
{
    (void)state;
    struct pipeline *p = NULL, *again = NULL;
    struct pipeline_fault fault;
    const char *text =
        "[" A ",\"retry\":{\"max_attempts\":5,\"initial\":0.5,\"factor\":1.5,\"max\":9,"
        "\"jitter\":0,\"on\":[\"BUSY\",\"STEP_TIMEOUT\"]},\"non_retryable\":[\"NO_MONEY\"],"
        "\"timeout\":7,\"timeout_total\":60,\"queue_timeout\":1.5,\"progress_timeout\":2,"
        "\"on_exhausted\":\"pause\"},{\"name\":\"b\",\"function\":\"f\"},"
        "{\"name\":\"c\",\"function\":\"f\",\"retry\":{\"initial\":100},\"on_exhausted\":\"fail\"},"
        "{\"name\":\"d\",\"function\":\"f\",\"on_exhausted\":\"dead_letter\"}]";
    assert_int_equal(pipeline_parse(bytes_str(text), &p, &fault), ERR_OK);
    assert_int_equal(pipeline_parse(p->source, &again, &fault), ERR_OK);
    assert_true(bytes_eq(p->source, again->source));
    for (const struct pipeline *q = p;; q = again) {
        const struct pipeline_step *s = &q->steps[0];
        assert_int_equal(s->max_retries, 4);
        assert_int_equal(s->retry.initial_ms, 500);
        assert_true(s->retry.factor == 1.5 && s->retry.jitter == 0);
        assert_int_equal(s->retry.max_ms, 9000);
        assert_int_equal(s->retry_on.count, 2);
        assert_true(pipeline_codes_have(&s->retry_on, BYTES_LIT("BUSY")));
        assert_true(pipeline_codes_have(&s->non_retryable, BYTES_LIT("NO_MONEY")));
        assert_int_equal(s->timeout_ms, 7000);
        assert_int_equal(s->timeout_total_ms, 60000);
        assert_int_equal(s->queue_timeout_ms, 1500);
        assert_int_equal(s->progress_timeout_ms, 2000);
        assert_int_equal(s->on_exhausted, EXHAUSTED_PAUSE);
        assert_int_equal(q->steps[3].on_exhausted, EXHAUSTED_DEAD);
        assert_true(retry_policy_eq(&q->steps[1].retry, &retry_policy_default));
        assert_int_equal(q->steps[1].max_retries, -1);
        assert_int_equal(q->steps[2].retry.max_ms, 100000); /* at least the first wait */
        if (q == again) {
            break;
        }
    }
    pipeline_unref(p);
    pipeline_unref(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_ones_are_told_with_pointer_and_detail),
        cmocka_unit_test(test_all_of_it_is_read_and_written_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
