#include "model/pipeline.h"

#include "base/rng.h"
#include "model/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum err parse(const char *text, struct pipeline_fault *fault)
{
    struct pipeline *p = NULL;
    enum err e = pipeline_parse(bytes_str(text), &p, fault);
    pipeline_unref(p);
    return e;
}

static void expect_fault(const char *text, const char *pointer, const char *detail)
{
    struct pipeline_fault fault;
    assert_int_equal(parse(text, &fault), ERR_INVALID);
    assert_string_equal(fault.pointer, pointer);
    assert_string_equal(fault.detail, detail);
}

#define STEP(name, rest) "{\"name\":\"" name "\",\"function\":\"f\"" rest "}"

static void test_omitted_needs_are_the_step_before(void **state)
{
    (void)state;
    struct pipeline *p;
    struct pipeline_fault fault;
    assert_int_equal(pipeline_parse(BYTES_LIT("[" STEP("a", "") "," STEP("b", "") "," STEP(
                                        "c", ",\"needs\":[]") "]"),
                                    &p, &fault),
                     ERR_OK);
    assert_int_equal(p->steps[0].needs_count, 0);
    assert_int_equal(p->steps[1].needs_count, 1);
    assert_int_equal(p->steps[1].needs[0], 0);
    assert_int_equal(p->steps[2].needs_count, 0);
    assert_int_equal(p->steps[0].feeds_count, 1);
    assert_int_equal(p->steps[0].feeds[0], 1);
    assert_int_equal(p->steps[1].feeds_count, 0);
    pipeline_unref(p);
}

static void test_needs_are_ascending_and_may_point_forward(void **state)
{
    (void)state;
    struct pipeline *p;
    struct pipeline_fault fault;
    assert_int_equal(
        pipeline_parse(
            BYTES_LIT(
                "{\"name\":\"p\",\"steps\":[" STEP("a", ",\"needs\":[\"d\",\"b\",\"c\"]") "," STEP(
                    "b", ",\"needs\":[]") "," STEP("c", "") "," STEP("d",
                                                                     ",\"needs\":[\"b\"]") "]}"),
            &p, &fault),
        ERR_OK);
    const struct pipeline_step *a = &p->steps[0];
    assert_int_equal(a->needs_count, 3);
    assert_int_equal(a->needs[0], 1);
    assert_int_equal(a->needs[1], 2);
    assert_int_equal(a->needs[2], 3);
    const struct pipeline_step *b = &p->steps[1];
    assert_int_equal(b->feeds_count, 3);
    assert_int_equal(b->feeds[0], 0);
    assert_int_equal(b->feeds[1], 2);
    assert_int_equal(b->feeds[2], 3);
    pipeline_unref(p);
}

static void test_unknown_own_and_repeated_needs(void **state)
{
    (void)state;
    expect_fault(
        "{\"name\":\"p\",\"steps\":[" STEP("a", "") "," STEP("b", ",\"needs\":[\"a\",\"x\"]") "]}",
        "/steps/1/needs/1", "there is no step named \"x\"");
    expect_fault("[" STEP("a", ",\"needs\":[\"\"]") "]", "/0/needs/0",
                 "there is no step named \"\"");
    expect_fault("[" STEP("a", ",\"needs\":[\"a\"]") "]", "/0/needs/0",
                 "a step cannot need itself: \"a\"");
    expect_fault("[" STEP("a", "") "," STEP("b", ",\"needs\":[\"a\",\"a\"]") "]", "/1/needs/1",
                 "named twice in needs: \"a\"");
    expect_fault("[" STEP("a", "") "," STEP("b", ",\"needs\":[\"step_0\"]") "]", "/1/needs/0",
                 "there is no step named \"step_0\"");
}

static void test_needs_of_a_wrong_type(void **state)
{
    (void)state;
    expect_fault("[" STEP("a", ",\"needs\":\"b\"") "]", "/0/needs",
                 "needs must be an array of names of steps ([] = start at once)");
    expect_fault("[" STEP("a", ",\"needs\":null") "]", "/0/needs",
                 "needs must be an array of names of steps ([] = start at once)");
    expect_fault("[" STEP("a", ",\"needs\":[1]") "]", "/0/needs/0",
                 "an entry of needs must be the name of a step");
}

static void test_circles_are_told_from_their_first_step(void **state)
{
    (void)state;
    expect_fault("[" STEP("a", ",\"needs\":[\"b\"]") "," STEP("b", ",\"needs\":[\"a\"]") "]",
                 "/0/needs", "the steps need each other in a cycle: a needs b needs a");
    /* x stands before the circle, and leads into it */
    expect_fault(
        "{\"name\":\"p\",\"steps\":[" STEP("x", ",\"needs\":[\"c\"]") "," STEP(
            "a", ",\"needs\":[\"c\"]") "," STEP("b", ",\"needs\":[\"a\"]") "," STEP("c", "") "]}",
        "/steps/1/needs", "the steps need each other in a cycle: a needs c needs b needs a");
    /* the step that closes it left its needs out */
    expect_fault("[" STEP("a", ",\"needs\":[]") "," STEP("b", "") "," STEP(
                     "c", ",\"needs\":[\"d\"]") "," STEP("d", "") "]",
                 "/2/needs", "the steps need each other in a cycle: c needs d needs c");
}

static void test_a_long_circle_is_told_in_short(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_add_char(&text, '[');
    for (int i = 0; i < 1000; i++) {
        buf_addf(
            &text,
            "%s{\"name\":\"step-number-%d\",\"function\":\"f\",\"needs\":[\"step-number-%d\"]}",
            i > 0 ? "," : "", i, (i + 1) % 1000);
    }
    buf_add_char(&text, ']');
    struct pipeline_fault fault;
    assert_int_equal(parse(buf_cstr(&text), &fault), ERR_INVALID);
    assert_string_equal(fault.pointer, "/0/needs");
    assert_non_null(strstr(fault.detail, "cycle: step-number-0 needs step-number-1 needs"));
    assert_string_equal(fault.detail + strlen(fault.detail) - 10, " needs ...");
    buf_free(&text);
}

static void test_64_needs_are_allowed_and_65_are_not(void **state)
{
    (void)state;
    for (unsigned count = NEEDS_MAX; count <= NEEDS_MAX + 1; count++) {
        struct buf text = {0};
        buf_add_char(&text, '[');
        for (unsigned i = 0; i < count; i++) {
            buf_addf(&text, "{\"name\":\"s%u\",\"function\":\"f\"},", i);
        }
        buf_add_str(&text, "{\"name\":\"join\",\"function\":\"f\",\"needs\":[");
        for (unsigned i = 0; i < count; i++) {
            buf_addf(&text, "%s\"s%u\"", i > 0 ? "," : "", i);
        }
        buf_add_str(&text, "]}]");
        struct pipeline_fault fault;
        if (count <= NEEDS_MAX) {
            assert_int_equal(parse(buf_cstr(&text), &fault), ERR_OK);
        } else {
            assert_int_equal(parse(buf_cstr(&text), &fault), ERR_TOO_LARGE);
            assert_string_equal(fault.pointer, "/65/needs");
            assert_string_equal(fault.detail, "needs has 65 entries, at most 64 are allowed");
        }
        buf_free(&text);
    }
}

/* Random graphs: those whose needs all point to steps earlier in a hidden order are accepted, and
 * each of the others has a circle that the fault names. */
static void test_random_graphs(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 21);
    unsigned accepted = 0, refused = 0;
    for (int round = 0; round < 2000; round++) {
        struct buf text = {0};
        uint32_t count = (uint32_t)rng_below(&rng, 8) + 2;
        bool ordered = rng_below(&rng, 2) == 0, backward = false;
        uint32_t shift =
            (uint32_t)rng_below(&rng, count); /* the hidden order: (i + shift) % count */
        for (uint32_t i = 0; i < count; i++) {
            buf_addf(&text, "%s{\"name\":\"s%u\",\"function\":\"f\",\"needs\":[", i > 0 ? "," : "[",
                     i);
            bool any = false;
            for (uint32_t k = 0; k < count; k++) {
                bool earlier = (k + shift) % count < (i + shift) % count;
                if (k != i && rng_below(&rng, 3) == 0 && (earlier || !ordered)) {
                    buf_addf(&text, "%s\"s%u\"", any ? "," : "", k);
                    any = true;
                    backward = backward || !earlier;
                }
            }
            buf_add_str(&text, "]}");
        }
        buf_add_char(&text, ']');
        struct pipeline_fault fault;
        enum err e = parse(buf_cstr(&text), &fault);
        if (!backward) {
            assert_int_equal(e, ERR_OK);
        }
        if (e != ERR_OK) {
            assert_non_null(strstr(fault.detail, "in a cycle: s"));
        }
        accepted += e == ERR_OK ? 1 : 0;
        refused += e != ERR_OK ? 1 : 0;
        buf_free(&text);
    }
    assert_true(accepted > 500 && refused > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_omitted_needs_are_the_step_before),
        cmocka_unit_test(test_needs_are_ascending_and_may_point_forward),
        cmocka_unit_test(test_unknown_own_and_repeated_needs),
        cmocka_unit_test(test_needs_of_a_wrong_type),
        cmocka_unit_test(test_circles_are_told_from_their_first_step),
        cmocka_unit_test(test_a_long_circle_is_told_in_short),
        cmocka_unit_test(test_64_needs_are_allowed_and_65_are_not),
        cmocka_unit_test(test_random_graphs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
