#include "api/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "json/doc.h"

static struct doc *render(const struct problem *p)
{
    struct buf out = {0};
    struct doc *d = NULL;
    struct doc_fault fault;
    problem_render(p, BYTES_LIT("r-1"), &out);
    assert_int_equal(doc_parse(buf_bytes(&out), &d, &fault), ERR_OK);
    buf_free(&out);
    return d;
}

static void assert_text(const struct doc *d, const char *key, const char *text)
{
    assert_true(bytes_is(doc_string(doc_get(doc_root(d), key)), text));
}

static void test_a_problem_has_all_its_members(void **state)
{
    (void)state;
    struct problem p;
    problem_set(&p, CODE_INVALID_FIELD, "bad \"%s\"", "thing");
    problem_add(&p, "/a/0", "must be %d", 7);
    problem_add_member(&p, BYTES_LIT("x/y~z"), "odd");
    struct doc *d = render(&p);
    assert_text(d, "type", "urn:marathon:problem:INVALID_FIELD");
    assert_text(d, "code", "INVALID_FIELD");
    assert_text(d, "detail", "bad \"thing\"");
    assert_text(d, "request_id", "r-1");
    assert_int_equal(doc_int(doc_get(doc_root(d), "status")), 422);
    const struct doc_value *errors = doc_get(doc_root(d), "errors");
    assert_int_equal(doc_count(errors), 2);
    assert_true(bytes_is(doc_string(doc_get(doc_at(errors, 0), "pointer")), "/a/0"));
    assert_true(bytes_is(doc_string(doc_get(doc_at(errors, 0), "detail")), "must be 7"));
    assert_true(bytes_is(doc_string(doc_get(doc_at(errors, 1), "pointer")), "/x~1y~0z"));
    doc_free(d);
}

static void test_a_refusal_keeps_code_detail_pointer_and_state(void **state)
{
    (void)state;
    struct message m = {.type = MSG_REFUSED};
    m.refused.code = CODE_INVALID_PIPELINE;
    m.refused.detail = BYTES_LIT("a cycle");
    m.refused.pointer = BYTES_LIT("/steps/2/needs/0");
    struct problem p;
    problem_from_refusal(&p, &m, BYTES_LIT("t"));
    struct doc *d = render(&p);
    assert_text(d, "code", "INVALID_PIPELINE");
    assert_text(d, "detail", "a cycle");
    const struct doc_value *e = doc_at(doc_get(doc_root(d), "errors"), 0);
    assert_true(bytes_is(doc_string(doc_get(e, "pointer")), "/steps/2/needs/0"));
    assert_true(doc_get(doc_root(d), "task_status") == NULL);
    doc_free(d);

    m = (struct message){.type = MSG_REFUSED};
    m.refused.code = CODE_TASK_EXISTS;
    m.refused.state = TASK_RUNNING;
    problem_from_refusal(&p, &m, BYTES_LIT("t"));
    d = render(&p);
    assert_text(d, "task_status", "running");
    assert_text(d, "status_url", "/api/v1/marathon/status/t");
    assert_int_equal(doc_int(doc_get(doc_root(d), "status")), 409);
    doc_free(d);
}

static void test_503_always_says_when_to_come_back(void **state)
{
    (void)state;
    struct message m = {.type = MSG_REFUSED};
    struct problem p;
    m.refused.code = CODE_STORE_FULL;
    problem_from_refusal(&p, &m, BYTES_NONE);
    assert_int_equal(p.retry_after_s, 1);
    m.refused.retry_after_s = 9;
    problem_from_refusal(&p, &m, BYTES_NONE);
    assert_int_equal(p.retry_after_s, 9);
    m.refused.code = CODE_TASK_NOT_FOUND;
    m.refused.retry_after_s = 0;
    problem_from_refusal(&p, &m, BYTES_NONE);
    assert_int_equal(p.retry_after_s, 0);
}

static void test_codes_that_are_no_answers_become_500(void **state)
{
    (void)state;
    struct message m = {.type = MSG_REFUSED};
    struct problem p;
    m.refused.code = CODE_WORKER_DEATHS;
    problem_from_refusal(&p, &m, BYTES_NONE);
    assert_int_equal(p.code, CODE_INTERNAL);
    m.refused.code = (enum code)9999;
    problem_from_refusal(&p, &m, BYTES_NONE);
    assert_int_equal(problem_status(&p), 500);
}

static void test_long_details_are_cut_between_characters(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_add_char(&text, 'x');
    for (int i = 0; i < PROBLEM_DETAIL_BYTES; i++) {
        buf_add_str(&text, "\xe2\x82\xac");
    }
    struct problem p;
    problem_set(&p, CODE_INVALID_FIELD, "%s", buf_cstr(&text));
    problem_add(&p, buf_cstr(&text), "%s", buf_cstr(&text));
    struct doc *d = render(&p); /* parses: no half character in it */
    struct bytes detail = doc_string(doc_get(doc_root(d), "detail"));
    assert_true(detail.len > PROBLEM_DETAIL_BYTES - 5 && detail.len < PROBLEM_DETAIL_BYTES);
    assert_int_equal((detail.len - 1) % 3, 0);
    assert_memory_equal(detail.ptr + detail.len - 3, "\xe2\x82\xac", 3);
    doc_free(d);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_problem_has_all_its_members),
        cmocka_unit_test(test_a_refusal_keeps_code_detail_pointer_and_state),
        cmocka_unit_test(test_503_always_says_when_to_come_back),
        cmocka_unit_test(test_codes_that_are_no_answers_become_500),
        cmocka_unit_test(test_long_details_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
