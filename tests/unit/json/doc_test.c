#include "json/doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct doc *parsed(const char *text)
{
    struct doc *d = NULL;
    struct doc_fault fault;
    if (doc_parse(bytes_str(text), &d, &fault) != ERR_OK) {
        fail_msg("%s: %s", text, fault.reason);
    }
    return d;
}

static void test_values_are_read_by_key_and_place(void **state)
{
    (void)state;
    struct doc *d =
        parsed("{\"b\":[1,2.5,\"x\\u0000y\",true,null],\"a\":{\"c\":-9007199254740993}}");
    const struct doc_value *root = doc_root(d);
    const struct doc_value *b = doc_get(root, "b");
    assert_int_equal(doc_kind(root), JSON_OBJECT);
    assert_int_equal(doc_count(root), 2);
    assert_int_equal(doc_kind(b), JSON_ARRAY);
    assert_int_equal(doc_count(b), 5);
    assert_true(doc_is_int(doc_at(b, 0)));
    assert_false(doc_is_int(doc_at(b, 1)));
    assert_true(doc_number(doc_at(b, 0)) == 1.0);
    assert_true(doc_number(doc_at(b, 1)) == 2.5);
    assert_int_equal(doc_string(doc_at(b, 2)).len, 3);
    assert_memory_equal(doc_string(doc_at(b, 2)).ptr, "x\0y", 4);
    assert_true(doc_bool(doc_at(b, 3)));
    assert_int_equal(doc_kind(doc_at(b, 4)), JSON_NULL);
    assert_true(doc_int(doc_get(doc_get(root, "a"), "c")) == -9007199254740993);
    doc_free(d);
}

static void test_members_keep_the_order_of_the_text(void **state)
{
    (void)state;
    struct doc *d = parsed("{\"z\":1,\"a\":2,\"m\":3}");
    static const char *const expected[] = {"z", "a", "m"};
    const char *key = NULL;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(doc_int(doc_member(doc_root(d), i, &key)), i + 1);
        assert_string_equal(key, expected[i]);
    }
    assert_null(doc_member(doc_root(d), 3, &key));
    doc_free(d);
}

static void test_absent_values_and_wrong_kinds_are_accepted_everywhere(void **state)
{
    (void)state;
    const char *key;
    struct doc *d = parsed("[\"s\",1]");
    const struct doc_value *s = doc_at(doc_root(d), 0);
    assert_null(doc_get(NULL, "a"));
    assert_null(doc_get(s, "a"));
    assert_null(doc_at(NULL, 0));
    assert_null(doc_at(s, 0));
    assert_null(doc_at(doc_root(d), 2));
    assert_null(doc_member(doc_root(d), 0, &key));
    assert_int_equal(doc_kind(NULL), JSON_NULL);
    assert_int_equal(doc_count(NULL), 0);
    assert_int_equal(doc_count(s), 0);
    assert_false(doc_is_int(NULL));
    assert_int_equal(doc_int(s), 0);
    assert_true(doc_number(s) == 0);
    assert_false(doc_bool(s));
    assert_string_equal((const char *)doc_string(NULL).ptr, "");
    assert_string_equal((const char *)doc_string(doc_at(doc_root(d), 1)).ptr, "");
    doc_free(d);
    doc_free(NULL);
}

static void expect_written(const char *text, const char *expected)
{
    struct doc *d = parsed(text);
    struct buf out = {0};
    doc_write(doc_root(d), &out);
    assert_string_equal(buf_cstr(&out), expected);
    buf_free(&out);
    doc_free(d);
}

static void test_values_are_written_compactly(void **state)
{
    (void)state;
    expect_written(
        " { \"b\" : [ 1 , 0.10 , \"\\u00e9\\/\" , true , false , null ] , \"a\" : { } } ",
        "{\"b\":[1,0.1,\"\xc3\xa9/\",true,false,null],\"a\":{}}");
    expect_written("9223372036854775807", "9223372036854775807");
    expect_written("-9223372036854775808", "-9223372036854775808");
    expect_written("[]", "[]");
    expect_written("-0.0", "-0.0");
    expect_written("1.0", "1");
    struct buf out = {0};
    doc_write(NULL, &out);
    assert_string_equal(buf_cstr(&out), "null");
    buf_free(&out);
}

static void expect_fault(const char *text, int line, int column, const char *reason)
{
    struct doc *d = NULL;
    struct doc_fault fault = {0};
    assert_int_equal(doc_parse(bytes_str(text), &d, &fault), ERR_INVALID);
    assert_null(d);
    assert_string_equal(fault.reason, reason);
    assert_int_equal(fault.line, line);
    assert_int_equal(fault.column, column);
}

static void test_faults_name_line_and_column(void **state)
{
    (void)state;
    expect_fault("", 1, 1, "expected a value");
    expect_fault("{\n  \"a\": 1,\n  \"b\" 2\n}", 3, 7, "expected ':'");
    expect_fault("[\"\xc3\xa9\xc3\xa9\", x]", 1, 8,
                 "expected a value"); /* columns are characters */
    expect_fault("{}}", 1, 3, "extra text after the value");
}

static void test_what_the_document_alone_refuses(void **state)
{
    (void)state;
    struct doc *d;
    struct doc_fault fault;
    static const char *const bad[] = {"{\"a\":1,\"a\":2}", "9223372036854775808", "[1e400]",
                                      "{\"\\u0000\":1}"};
    static const char *const reasons[] = {"duplicate", "integer", "real", "NUL"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(doc_parse(bytes_str(bad[i]), &d, &fault), ERR_INVALID);
        assert_non_null(strstr(fault.reason, reasons[i]));
        assert_int_equal(fault.line, 1);
    }
}

static void test_a_slice_without_a_nul_is_read_to_its_end_only(void **state)
{
    (void)state;
    struct doc *d;
    struct doc_fault fault;
    assert_int_equal(doc_parse(bytes_of("123456", 3), &d, &fault), ERR_OK);
    assert_int_equal(doc_int(doc_root(d)), 123);
    doc_free(d);
}

static void test_a_large_object_is_walked_in_linear_time(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_add_char(&text, '{');
    for (int i = 0; i < 50000; i++) {
        buf_addf(&text, "%s\"k%d\":%d", i > 0 ? "," : "", i, i);
    }
    buf_add_char(&text, '}');
    struct doc *d = parsed(buf_cstr(&text));
    const char *key;
    for (size_t i = 0; i < 50000; i++) {
        assert_true(doc_int(doc_member(doc_root(d), i, &key)) == (int64_t)i);
    }
    doc_free(d);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_read_by_key_and_place),
        cmocka_unit_test(test_members_keep_the_order_of_the_text),
        cmocka_unit_test(test_absent_values_and_wrong_kinds_are_accepted_everywhere),
        cmocka_unit_test(test_values_are_written_compactly),
        cmocka_unit_test(test_faults_name_line_and_column),
        cmocka_unit_test(test_what_the_document_alone_refuses),
        cmocka_unit_test(test_a_slice_without_a_nul_is_read_to_its_end_only),
        cmocka_unit_test(test_a_large_object_is_walked_in_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
