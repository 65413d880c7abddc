#include "bcg/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect_record(struct csv *c, uint32_t line, size_t count, const char *const *fields)
{
    assert_int_equal(csv_next(c), ERR_OK);
    assert_int_equal(c->line, line);
    assert_int_equal(c->field_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(c->fields[i].len, strlen(fields[i]));
        assert_memory_equal(c->fields[i].ptr, fields[i], c->fields[i].len);
    }
}

static void test_quotes_commas_and_line_breaks_stay_in_their_field(void **state)
{
    (void)state;
    struct csv c;
    csv_init(&c,
             BYTES_LIT("\"Steak, Pepper Sauce\",\"say \"\"hi\"\"\"\n\"two\nlines\",x\nlast,\n"));
    expect_record(&c, 1, 2, (const char *const[]){"Steak, Pepper Sauce", "say \"hi\""});
    expect_record(&c, 2, 2, (const char *const[]){"two\nlines", "x"});
    expect_record(&c, 4, 2, (const char *const[]){"last", ""});
    assert_int_equal(csv_next(&c), ERR_NOT_FOUND);
    csv_finish(&c);
}

static void test_byte_order_mark_crlf_and_blank_lines_are_no_content(void **state)
{
    (void)state;
    struct csv c;
    csv_init(&c, BYTES_LIT("\xEF\xBB\xBF"
                           "a,b\r\n\r\n\n1,2"));
    expect_record(&c, 1, 2, (const char *const[]){"a", "b"});
    expect_record(&c, 4, 2, (const char *const[]){"1", "2"});
    assert_int_equal(csv_next(&c), ERR_NOT_FOUND);
    csv_finish(&c);
}

static void test_open_quote_is_a_fault_that_names_its_line(void **state)
{
    (void)state;
    struct csv c;
    csv_init(&c, BYTES_LIT("a,b\n\"open,1\n2,3\n"));
    assert_int_equal(csv_next(&c), ERR_OK);
    assert_int_equal(csv_next(&c), ERR_INVALID);
    assert_int_equal(c.line, 2);
    assert_string_equal(c.fault, "a quote is not closed");
    csv_finish(&c);
}

static void test_text_behind_a_closing_quote_is_a_fault(void **state)
{
    (void)state;
    struct csv c;
    csv_init(&c, BYTES_LIT("\"a\"b,c\n"));
    assert_int_equal(csv_next(&c), ERR_INVALID);
    assert_string_equal(c.fault, "text behind a closing quote");
    csv_finish(&c);
}

static void test_records_and_fields_are_bounded(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_add_char(&text, '"');
    for (size_t i = 0; i < CSV_RECORD_BYTES_MAX + 1; i++) {
        buf_add_char(&text, 'x');
    }
    struct csv c;
    csv_init(&c, buf_bytes(&text));
    assert_int_equal(csv_next(&c), ERR_INVALID);
    csv_finish(&c);
    buf_clear(&text);
    for (size_t i = 0; i < CSV_FIELDS_MAX; i++) {
        buf_add_char(&text, ',');
    }
    csv_init(&c, buf_bytes(&text));
    assert_int_equal(csv_next(&c), ERR_INVALID);
    assert_string_equal(c.fault, "more than 64 fields");
    csv_finish(&c);
    buf_free(&text);
}

static void test_empty_text_has_no_records(void **state)
{
    (void)state;
    struct csv c;
    csv_init(&c, BYTES_NONE);
    assert_int_equal(csv_next(&c), ERR_NOT_FOUND);
    csv_finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quotes_commas_and_line_breaks_stay_in_their_field),
        cmocka_unit_test(test_byte_order_mark_crlf_and_blank_lines_are_no_content),
        cmocka_unit_test(test_open_quote_is_a_fault_that_names_its_line),
        cmocka_unit_test(test_text_behind_a_closing_quote_is_a_fault),
        cmocka_unit_test(test_records_and_fields_are_bounded),
        cmocka_unit_test(test_empty_text_has_no_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
