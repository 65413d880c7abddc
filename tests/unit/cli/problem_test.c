#include "cli/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void shows(int status, const char *body, const char *expected)
{
    struct buf out = {0};
    struct problem p = {"start the task", status, bytes_str(body)};
    problem_write(&out, &p);
    assert_string_equal(buf_cstr(&out), expected);
    buf_free(&out);
}

static void test_a_problem_says_what_why_where_and_what_to_do(void **state)
{
    (void)state;
    shows(422,
          "{\"title\":\"Unknown pipeline\",\"status\":422,\"code\":\"UNKNOWN_PIPELINE\","
          "\"detail\":\"no pipeline is called \\\"foo\\\"\",\"request_id\":\"r1\","
          "\"errors\":[{\"pointer\":\"/task_type\",\"detail\":\"no such pipeline\"}]}",
          "marathon: cannot start the task: Unknown pipeline (UNKNOWN_PIPELINE, HTTP 422)\n"
          "   why: no pipeline is called \"foo\"\n"
          "    at: /task_type: no such pipeline\n"
          "    do: `marathon pipelines` lists the names there are\n");
}

static void test_a_place_does_not_repeat_what_was_said(void **state)
{
    (void)state;
    shows(422,
          "{\"title\":\"Bad\",\"code\":\"INVALID_FIELD\",\"detail\":\"it is odd\",\"errors\":["
          "{\"pointer\":\"/a\",\"detail\":\"it is odd\"},{\"pointer\":\"\",\"detail\":\"x\"}]}",
          "marathon: cannot start the task: Bad (INVALID_FIELD, HTTP 422)\n"
          "   why: it is odd\n"
          "    at: /a\n"
          "    at: x\n"
          "    do: correct the field named above\n");
}

static void test_a_code_of_the_future_shows_the_request_to_ask_about(void **state)
{
    (void)state;
    shows(500, "{\"code\":\"BLUE_MOON\",\"request_id\":\"r\\u001b1\"}",
          "marathon: cannot start the task: the server refused (BLUE_MOON, HTTP 500)\n"
          "    id: r 1\n");
}

static void test_an_answer_that_is_no_problem_is_shown_in_one_line(void **state)
{
    (void)state;
    shows(502, "<html>\nBad\x1bGateway",
          "marathon: cannot start the task: the server answered HTTP 502\n"
          "   why: <html> Bad Gateway\n"
          "    do: is --server (or MARATHON_URL) the address of a Marathon gateway?\n");
    shows(500, "",
          "marathon: cannot start the task: the server answered HTTP 500\n"
          "    do: is --server (or MARATHON_URL) the address of a Marathon gateway?\n");
}

static void test_exit_codes_follow_status_and_code(void **state)
{
    (void)state;
    assert_int_equal(problem_exit(404, CODE_TASK_NOT_FOUND), CLI_NOT_FOUND);
    assert_int_equal(problem_exit(422, CODE_UNKNOWN_PIPELINE), CLI_NOT_FOUND);
    assert_int_equal(problem_exit(422, CODE_INVALID_FIELD), CLI_USAGE);
    assert_int_equal(problem_exit(400, CODE_INVALID_JSON), CLI_USAGE);
    assert_int_equal(problem_exit(413, CODE_TOO_LARGE), CLI_USAGE);
    assert_int_equal(problem_exit(409, CODE_TASK_EXISTS), CLI_FAILED);
    assert_int_equal(problem_exit(500, CODE_INTERNAL), CLI_FAILED);
    assert_int_equal(problem_exit(503, CODE_UNAVAILABLE), CLI_UNREACHABLE);
    assert_int_equal(problem_exit(504, CODE_TIMEOUT), CLI_UNREACHABLE);
}

static void test_the_code_is_read_from_the_body(void **state)
{
    (void)state;
    assert_int_equal(problem_code(BYTES_LIT("{\"code\":\"TASK_EXISTS\"}")), CODE_TASK_EXISTS);
    assert_int_equal(problem_code(BYTES_LIT("{\"code\":\"BLUE_MOON\"}")), CODE_NONE);
    assert_int_equal(problem_code(BYTES_LIT("{\"code\":7}")), CODE_NONE);
    assert_int_equal(problem_code(BYTES_LIT("nonsense")), CODE_NONE);
    assert_int_equal(problem_code(BYTES_NONE), CODE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_problem_says_what_why_where_and_what_to_do),
        cmocka_unit_test(test_a_place_does_not_repeat_what_was_said),
        cmocka_unit_test(test_a_code_of_the_future_shows_the_request_to_ask_about),
        cmocka_unit_test(test_an_answer_that_is_no_problem_is_shown_in_one_line),
        cmocka_unit_test(test_exit_codes_follow_status_and_code),
        cmocka_unit_test(test_the_code_is_read_from_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
