#include "cli/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdio.h>

/* A file of the command line as text, with the "\-" of roff as "-". */
static void read_file(const char *name, struct buf *out)
{
    char path[512];
    (void)snprintf(path, sizeof path, MARATHON_SOURCE_DIR "/gateway/cli/%s", name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    int previous = 0;
    for (int c; (c = fgetc(f)) != EOF; previous = c) {
        if (c == '-' && previous == '\\') {
            out->len--;
        }
        buf_add_char(out, (char)c);
    }
    (void)fclose(f);
}

static void mentions(struct buf *text, const char *before, const char *word, const char *where)
{
    struct buf what = {0};
    buf_addf(&what, "%s%s", before, word);
    if (strstr(buf_cstr(text), buf_cstr(&what)) == NULL) {
        fail_msg("%s does not mention %s", where, buf_cstr(&what));
    }
    buf_free(&what);
}

static void mentions_all(const char *file)
{
    struct buf text = {0};
    read_file(file, &text);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        mentions(&text, "", commands[i]->name, file);
        for (size_t k = 0; k < commands[i]->option_count; k++) {
            mentions(&text, "--", commands[i]->options[k].name, file);
        }
    }
    for (size_t i = 0; i < shared_option_count; i++) {
        mentions(&text, "--", shared_options[i].name, file);
    }
    buf_free(&text);
}

static void test_the_man_page_and_the_completion_know_every_command_and_option(void **state)
{
    (void)state;
    mentions_all("marathon.1");
    mentions_all("marathon.bash");
}

static void test_each_command_has_help_with_options_and_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        struct buf text = {0};
        struct buf usage = {0};
        const struct command *c = commands[i];
        help_command(&text, c);
        buf_addf(&usage, "Usage: marathon %s [OPTIONS]", c->name);
        mentions(&text, "", buf_cstr(&usage), c->name);
        mentions(&text, "Examples:\n  ", "marathon ", c->name);
        for (size_t k = 0; k < c->option_count; k++) {
            mentions(&text, "--", c->options[k].name, c->name);
        }
        assert_int_equal(text.ptr[text.len - 1], '\n');
        buf_free(&text);
        buf_free(&usage);
    }
}

static void test_no_letter_or_name_means_two_things_in_one_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        for (size_t k = 0; k < commands[i]->option_count; k++) {
            const struct arg_option *own = &commands[i]->options[k];
            for (size_t s = 0; s < shared_option_count; s++) {
                assert_string_not_equal(own->name, shared_options[s].name);
                assert_true(own->letter == 0 || own->letter != shared_options[s].letter);
            }
            for (size_t o = 0; o < k; o++) {
                const struct arg_option *other = &commands[i]->options[o];
                assert_string_not_equal(own->name, other->name);
                assert_true(own->letter == 0 || own->letter != other->letter);
            }
        }
    }
}

static void test_a_command_is_found_by_its_whole_name(void **state)
{
    (void)state;
    assert_ptr_equal(command_find("run"), &command_run);
    assert_null(command_find("ru"));
    assert_null(command_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_man_page_and_the_completion_know_every_command_and_option),
        cmocka_unit_test(test_each_command_has_help_with_options_and_examples),
        cmocka_unit_test(test_no_letter_or_name_means_two_things_in_one_command),
        cmocka_unit_test(test_a_command_is_found_by_its_whole_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
