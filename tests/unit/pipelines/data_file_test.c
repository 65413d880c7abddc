#include "bcg/data_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A private directory: data/inside.csv, data/way_out -> ../outside.csv, outside.csv. */
static char root[] = "/tmp/data_file_test.XXXXXX";
static char path[512];

static const char *in_root(const char *name)
{
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void put_file(const char *name, const char *content)
{
    FILE *f = fopen(in_root(name), "w");
    assert_non_null(f);
    assert_true(fputs(content, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int make_root(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root));
    assert_int_equal(mkdir(in_root("data"), 0700), 0);
    put_file("data/inside.csv", "inside");
    put_file("outside.csv", "outside");
    assert_int_equal(symlink("../outside.csv", in_root("data/way_out")), 0);
    return setenv("MARATHON_DATA_DIR", in_root("data"), 1);
}

static int remove_root(void **state)
{
    (void)state;
    static const char *const files[] = {"data/inside.csv", "data/way_out", "outside.csv",
                                        "effects"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)unlink(in_root(files[i]));
    }
    (void)rmdir(in_root("data"));
    return rmdir(root);
}

static enum err try_read(const char *name, struct data_fault *ret_fault)
{
    struct buf content = {0};
    enum err e = data_file_read(name, &content, ret_fault);
    buf_free(&content);
    return e;
}

static void test_a_file_is_read_by_its_relative_and_its_absolute_name(void **state)
{
    (void)state;
    struct data_fault fault;
    struct buf content = {0};
    assert_int_equal(data_file_read("inside.csv", &content, &fault), ERR_OK);
    assert_true(bytes_is(buf_bytes(&content), "inside"));
    buf_free(&content);
    assert_int_equal(try_read(in_root("data/inside.csv"), &fault), ERR_OK);
}

static void test_names_that_lead_out_are_refused(void **state)
{
    (void)state;
    struct data_fault fault;
    assert_int_equal(try_read("../outside.csv", &fault), ERR_INVALID);
    assert_non_null(strstr(fault.text, "leads out of the data directory"));
    assert_int_equal(try_read("way_out", &fault), ERR_INVALID);
    assert_int_equal(try_read("/etc/passwd", &fault), ERR_INVALID);
    assert_int_equal(try_read(in_root("outside.csv"), &fault), ERR_INVALID);
    assert_int_equal(try_read(".", &fault), ERR_INVALID);
}

static void test_a_missing_file_is_told_by_name(void **state)
{
    (void)state;
    struct data_fault fault;
    assert_int_equal(try_read("nothing.csv", &fault), ERR_NOT_FOUND);
    assert_non_null(strstr(fault.text, "no file \"nothing.csv\""));
}

static void test_effects_are_appended_line_by_line(void **state)
{
    (void)state;
    assert_int_equal(effects_log_add(BYTES_LIT("nobody listens\n")), ERR_OK);
    assert_int_equal(setenv("MARATHON_EFFECTS_LOG", in_root("effects"), 1), 0);
    assert_int_equal(effects_log_add(BYTES_LIT("t step_0 1 k\n")), ERR_OK);
    assert_int_equal(effects_log_add(BYTES_LIT("t step_1 2 l\n")), ERR_OK);
    FILE *f = fopen(in_root("effects"), "r");
    assert_non_null(f);
    char lines[64] = {0};
    assert_true(fread(lines, 1, sizeof lines - 1, f) > 0);
    assert_string_equal(lines, "t step_0 1 k\nt step_1 2 l\n");
    assert_int_equal(fclose(f), 0);
    assert_int_equal(setenv("MARATHON_EFFECTS_LOG", "/nowhere/effects", 1), 0);
    assert_int_equal(effects_log_add(BYTES_LIT("lost\n")), ERR_UNAVAILABLE);
    assert_int_equal(unsetenv("MARATHON_EFFECTS_LOG"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_read_by_its_relative_and_its_absolute_name),
        cmocka_unit_test(test_names_that_lead_out_are_refused),
        cmocka_unit_test(test_a_missing_file_is_told_by_name),
        cmocka_unit_test(test_effects_are_appended_line_by_line),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
