#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Runs with stderr in a pipe; what was written is in text[4200]. The inode of the journal's stream
 * is that of the pipe, or so much more. */
static void capture_beside(void (*run)(void), char *text, int inode_more)
{
    int out[2];
    struct stat st;
    char stream[64];
    assert_int_equal(pipe(out), 0);
    assert_int_equal(fstat(out[1], &st), 0);
    (void)snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev,
                   (uintmax_t)st.st_ino + (uintmax_t)inode_more);
    (void)setenv("JOURNAL_STREAM", stream, 1);
    int saved = dup(STDERR_FILENO);
    (void)dup2(out[1], STDERR_FILENO);
    run();
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    (void)close(out[1]);
    ssize_t got = read(out[0], text, 4199);
    (void)close(out[0]);
    text[got > 0 ? got : 0] = '\0';
    (void)unsetenv("JOURNAL_STREAM");
}

static void capture(void (*run)(void), char *text)
{
    capture_beside(run, text, 1);
}

static void run_one_line(void)
{
    errno = ENOENT;
    log_line(LOG_WARN, "worker_left", "worker=%s slots=%u", "w1", 4u);
    assert_int_equal(errno, ENOENT);
}

static void test_a_line_is_time_level_role_event_pairs(void **state)
{
    (void)state;
    char text[4200];
    log_init(&(struct log_options){.role = "coordinator", .level = LOG_INFO});
    capture(run_one_line, text);
    assert_int_equal(text[4], '-');
    assert_string_equal(strchr(text, ' '), " warn coordinator worker_left worker=w1 slots=4\n");
}

static void run_below(void)
{
    log_line(LOG_DEBUG, "frame", NULL);
    log_line(LOG_INFO, "started", NULL);
}

static void test_lines_below_the_level_are_dropped(void **state)
{
    (void)state;
    char text[4200];
    log_init(&(struct log_options){.role = "worker", .level = LOG_INFO});
    assert_false(log_enabled(LOG_DEBUG));
    assert_true(log_enabled(LOG_ERROR));
    capture(run_below, text);
    assert_string_equal(strchr(text, ' '), " info worker started\n");
}

static void run_all_levels(void)
{
    log_init(&(struct log_options){.role = "worker", .level = LOG_DEBUG});
    log_line(LOG_DEBUG, "a", NULL);
    log_line(LOG_INFO, "b", NULL);
    log_line(LOG_WARN, "c", NULL);
    log_line(LOG_ERROR, "d", NULL);
}

static void test_the_journal_is_told_the_priority_and_nobody_else(void **state)
{
    (void)state;
    char text[4200];
    capture_beside(run_all_levels, text, 0);
    const char *line = text;
    for (const char *priority = "7643"; *priority != '\0'; priority++) {
        assert_int_equal(line[0], '<');
        assert_int_equal(line[1], *priority);
        assert_int_equal(line[2], '>');
        assert_int_equal(line[7], '-'); /* of the date */
        line = strchr(line, '\n') + 1;
    }
    assert_int_equal(*line, '\0');
    capture_beside(run_all_levels, text, 1);
    assert_null(strchr(text, '<'));
}

static void test_quotes_only_where_needed(void **state)
{
    (void)state;
    assert_string_equal(log_quote("plain.text-1"), "plain.text-1");
    assert_string_equal(log_quote("two words"), "\"two words\"");
    assert_string_equal(log_quote("a=\"b\"\\\n"), "\"a=\\\"b\\\"\\\\\\n\"");
    assert_string_equal(log_quote(""), "\"\"");
    assert_string_equal(log_quote(NULL), "\"\"");
    assert_string_equal(log_quote("123"), "\"123\""); /* stays a text in JSON lines */
    assert_string_equal(log_quote("\x01\xff"), "\"?\xef\xbf\xbd\"");
    assert_string_equal(log_quote("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
}

static void test_long_values_are_cut_at_512_bytes_between_characters(void **state)
{
    (void)state;
    char value[2000];
    memset(value, 'x', 512);
    value[512] = '\0';
    assert_int_equal(strlen(log_quote(value)), 512);
    strcpy(value + 512, "y");
    const char *quoted = log_quote(value);
    assert_int_equal(strlen(quoted), 512 + 5);
    assert_string_equal(quoted + 511, "xx...\"");
    strcpy(value + 511, "\xc3\xa9");
    quoted = log_quote(value);
    assert_string_equal(quoted + 511, "x...\"");
}

static void test_eight_quoted_values_live_side_by_side(void **state)
{
    (void)state;
    const char *first = log_quote("first one");
    for (int i = 0; i < 7; i++) {
        (void)log_quote("other one");
    }
    assert_string_equal(first, "\"first one\"");
}

static void test_level_names(void **state)
{
    (void)state;
    enum log_level level = LOG_DEBUG;
    assert_int_equal(log_level_parse("error", &level), ERR_OK);
    assert_int_equal(level, LOG_ERROR);
    assert_int_equal(log_level_parse("debug", &level), ERR_OK);
    assert_int_equal(level, LOG_DEBUG);
    assert_int_equal(log_level_parse("verbose", &level), ERR_INVALID);
    assert_int_equal(log_level_parse("", &level), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_time_level_role_event_pairs),
        cmocka_unit_test(test_lines_below_the_level_are_dropped),
        cmocka_unit_test(test_the_journal_is_told_the_priority_and_nobody_else),
        cmocka_unit_test(test_quotes_only_where_needed),
        cmocka_unit_test(test_long_values_are_cut_at_512_bytes_between_characters),
        cmocka_unit_test(test_eight_quoted_values_live_side_by_side),
        cmocka_unit_test(test_level_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
