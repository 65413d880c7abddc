/* Cases against the behaviours that cel-spec publishes (its language definition and the conformance
 * tests under tests/simple), for the subset that expressions have. Each says what the spec says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "expr/expr.h"

struct cel_case {
    const char *text;
    const char *value; /* JSON; NULL: an error that holds `error` */
    const char *error;
};

#define ERROR(part) NULL, part

static const struct cel_case logic[] = {
    {"true ? 1 : 2", "1", NULL},
    {"false ? 'foo' : 'bar'", "\"bar\"", NULL},
    {"true ? 'cows' : 17", "\"cows\"", NULL},
    {"'cows' ? false : 17", ERROR("must be true or false")},
    {"2 / 0 > 4 ? 'baz' : 'quux'", ERROR("division by zero")},
    {"true ? 1 : 1 / 0", "1", NULL}, /* the branch that is not taken is not evaluated */
    {"false && true", "false", NULL},
    {"true && false", "false", NULL},
    {"true && true", "true", NULL},
    {"false && 32", "false", NULL},
    {"'horses' && false", "false", NULL},
    {"false && (2 / 0 > 3 ? false : true)", "false", NULL},
    {"(2 / 0 > 3 ? false : true) && false", "false", NULL},
    {"true && 1 / 0 != 0", ERROR("division by zero")},
    {"1 / 0 != 0 && true", ERROR("division by zero")},
    {"'less filling' && 'tastes great'", ERROR("must be true or false")},
    {"true || 32", "true", NULL},
    {"'horses' || true", "true", NULL},
    {"(2 / 0 > 3 ? false : true) || true", "true", NULL},
    {"false || 1 / 0 != 0", ERROR("division by zero")},
    {"1 / 0 != 0 || false", ERROR("division by zero")},
    {"'less filling' || 'tastes great'", ERROR("must be true or false")},
    {"!true", "false", NULL},
    {"!!true", "true", NULL},
    {"!1", ERROR("! is for true and false")},
    {"false || true && false", "false", NULL}, /* && binds more strongly */
    {"true || true && false", "true", NULL},
    {"(true || true) && false", "false", NULL},
    {"true ? false ? 1 : 2 : 3", ERROR("expected")}, /* the middle is no conditional, by grammar */
    {"false ? 1 : true ? 2 : 3", "2", NULL},
};

static const struct cel_case ints[] = {
    {"42 + 2", "44", NULL},
    {"42 - (-2)", "44", NULL},
    {"-42 * (-2)", "84", NULL},
    {"-42 / 5", "-8", NULL}, /* towards zero */
    {"42 % (-5)", "2", NULL},
    {"-42 % (-5)", "-2", NULL},
    {"-(42)", "-42", NULL},
    {"-(-42)", "42", NULL},
    {"--------------------------------19", "19", NULL},
    {"0x2a", "42", NULL},
    {"-0x10", "-16", NULL},
    {"15 / 0", ERROR("division by zero")},
    {"42 % 0", ERROR("division by zero")},
    {"9223372036854775807", "9223372036854775807", NULL},
    {"-9223372036854775808", "-9223372036854775808", NULL},
    {"9223372036854775808", ERROR("fit in 64 bits")},
    {"9223372036854775807 + 1", ERROR("fit in 64 bits")},
    {"-9223372036854775808 - 1", ERROR("fit in 64 bits")},
    {"9223372036854775807 * 2", ERROR("fit in 64 bits")},
    {"-(-9223372036854775808)", ERROR("fit in 64 bits")},
    {"-9223372036854775808 / -1", ERROR("fit in 64 bits")},
    {"1 + 2 * 3", "7", NULL},
    {"(1 + 2) * 3", "9", NULL},
    {"10 - 3 - 2", "5", NULL}, /* from the left */
    {"1 + 1.0", ERROR("cannot be joined by +")},
    {"1.0 * 2", ERROR("cannot be joined by *")},
    {"1 + true", ERROR("cannot be joined by +")},
    {"null + null", ERROR("cannot be joined by +")},
    {"5u", ERROR("unsigned numbers are not supported")},
};

static const struct cel_case doubles[] = {
    {"1.5 + 1.5", "3.0", NULL},
    {"4.25 * 2.0", "8.5", NULL},
    {"-(4.5)", "-4.5", NULL},
    {"4.5e-3", "0.0045", NULL},
    {".5 + .5", "1.0", NULL},
    {"1e3", "1000.0", NULL},
    {"9.0 / 0.0 > 1e308", "true", NULL}, /* an infinity */
    {"0.0 / 0.0 == 0.0 / 0.0", "false", NULL},
    {"0.0 / 0.0 != 0.0 / 0.0", "true", NULL},
    {"0.0 / 0.0 < 1.0", "false", NULL},
    {"47.5 % 5.5", ERROR("% is for ints")},
    {"1.0 / 0.0", ERROR("not a number that JSON can hold")}, /* ours: JSON has no infinity */
};

static const struct cel_case equality[] = {
    {"1 == 1", "true", NULL},
    {"'a' == 'b'", "false", NULL},
    {"null == null", "true", NULL},
    {"1 == 1.0", "true", NULL}, /* numbers compare by value, whatever their kind */
    {"1 == 1.1", "false", NULL},
    {"9007199254740993 == 9007199254740992.0", "false", NULL},
    {"9223372036854775807 == 9223372036854775808.0", "false", NULL},
    {"1 == '1'", "false", NULL},
    {"1 == null", "false", NULL},
    {"1 != null", "true", NULL},
    {"true == 1", "false", NULL},
    {"[] == []", "true", NULL},
    {"[1, 2, 3] == [1, 2, 3]", "true", NULL},
    {"[1, 2, 3] == [1, 3, 2]", "false", NULL},
    {"[1, 2] == [1, 2, 3]", "false", NULL},
    {"[1] == [1.0]", "true", NULL},
    {"[[]] != [[]]", "false", NULL},
    {"{} == {}", "true", NULL},
    {"{'k':1.0} == {'k':1e+0}", "true", NULL},
    {"{'k1':'v1','k2':'v2'} == {'k2':'v2','k1':'v1'}", "true", NULL},
    {"{'k':'v','k1':'v1'} == {'k':'v'}", "false", NULL},
    {"{'key':'value'} == {'Key':'value'}", "false", NULL},
    {"{'a':1} == [1]", "false", NULL},
    {"'\\u00e9' == 'e\\u0301'", "false", NULL}, /* no normalisation */
};

static const struct cel_case order[] = {
    {"-1 < 0", "true", NULL},
    {"0 < 0", "false", NULL},
    {"0 <= 0", "true", NULL},
    {"1 < 1.5", "true", NULL},
    {"1.5 >= 2", "false", NULL},
    {"9223372036854775807 < 9223372036854775808.0", "true", NULL},
    {"9007199254740993 > 9007199254740992.0", "true", NULL},
    {"-9223372036854775808 >= -9223372036854775808.0", "true", NULL},
    {"-0.0 < 0.0", "false", NULL},
    {"'Abc' < 'aBC'", "true", NULL},
    {"'abc' < 'abcd'", "true", NULL},
    {"'a' < '\xc3\xa1'", "true", NULL},
    {"'\xef\xbf\xbd' < '\xf0\x9f\x98\x80'", "true", NULL}, /* by code point */
    {"'' < ''", "false", NULL},
    {"false < true", "true", NULL},
    {"true <= false", "false", NULL},
    {"[0] < [1]", ERROR("cannot be compared by")},
    {"null < null", ERROR("cannot be compared by")},
    {"1 < '2'", ERROR("cannot be compared by")},
};

static const struct cel_case strings[] = {
    {"size('')", "0", NULL},
    {"size('\xc3\xbf')", "1", NULL},
    {"'\xcf\x80\xce\xad\xce\xbd\xcf\x84\xce\xb5'.size()", "5", NULL},
    {"size([1, 2])", "2", NULL},
    {"{'a': 1}.size()", "1", NULL},
    {"size(1)", ERROR("size() needs")},
    {"'foobar'.startsWith('foo')", "true", NULL},
    {"'foobar'.startsWith('bar')", "false", NULL},
    {"''.startsWith('foo')", "false", NULL},
    {"''.startsWith('')", "true", NULL},
    {"'hello'.contains('')", "true", NULL},
    {"'hello'.contains('ol')", "false", NULL},
    {"'abababc'.contains('ababc')", "true", NULL},
    {"'a'.contains(1)", ERROR("needs two strings")},
    {"'he' + 'llo'", "\"hello\"", NULL},
    {"'' + ''", "\"\"", NULL},
    {"[0, 1] + [2] == [0, 1, 2]", "true", NULL},
    {"[] + [1]", "[1]", NULL},
    {"'a' + 1", ERROR("convert the other one with string()")},
    {"'hello'", "\"hello\"", NULL},
    {"\"it's\"", "\"it's\"", NULL},
    {"'''a'b'''", "\"a'b\"", NULL},
    {"\"\"\"a\nb\"\"\"", "\"a\\nb\"", NULL},
    {"r'a\\nb'", "\"a\\\\nb\"", NULL},
    {"'\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\\"\\'\\`'", "\"\\u0007\\b\\f\\n\\r\\t\\u000b\\\\?\\\"'`\"",
     NULL},
    {"'\\x41\\u00e9\\U0001F600\\101'",
     "\"A\xc3\xa9\xf0\x9f\x98\x80"
     "A\"",
     NULL},
    {"'\\ud800'", ERROR("not a Unicode code point")},
    {"'\\U00110000'", ERROR("not a Unicode code point")},
    {"'\\q'", ERROR("unknown escape")},
    {"'a\nb'", ERROR("a line break within a string")},
    {"'abc", ERROR("the string has no closing quote")},
    {"b'abc'", ERROR("bytes are not supported")},
};

static const struct cel_case conversions[] = {
    {"int(1.9)", "1", NULL},
    {"int(-7.9)", "-7", NULL},
    {"int('987')", "987", NULL},
    {"int(1e99)", ERROR("does not fit in an int")},
    {"int('9223372036854775808')", ERROR("is not an int")},
    {"int('12x')", ERROR("is not an int")},
    {"int('')", ERROR("is not an int")},
    {"int(true)", ERROR("cannot be converted to an int")},
    {"double(3)", "3.0", NULL},
    {"double('-84.32e7')", "-843200000.0", NULL},
    {"double('123')", "123.0", NULL},
    {"string(123)", "\"123\"", NULL},
    {"string(-4.5e-3)", "\"-0.0045\"", NULL},
    {"string(true)", "\"true\"", NULL},
    {"string('a')", "\"a\"", NULL},
    {"string(null)", ERROR("cannot be converted to a string")},
    {"string([1])", ERROR("cannot be converted to a string")},
};

static const struct cel_case containers[] = {
    {"[7, 8, 9][0]", "7", NULL},
    {"[7, 8, 9][2.0]", "9", NULL},
    {"[7, 8, 9][0.1]", ERROR("its index must be an int")},
    {"[7, 8, 9][3]", ERROR("there is no element 3")},
    {"[7, 8, 9][-1]", ERROR("there is no element -1")},
    {"[7]['a']", ERROR("its index must be an int")},
    {"{'a': 1}['a']", "1", NULL},
    {"{'a': 1}.a", "1", NULL},
    {"{'a': {'b': null}}.a.b", "null", NULL},
    {"{'a': 1}.b", ERROR("there is no \"b\"")},
    {"{'a': 1}['b']", ERROR("there is no \"b\"")},
    {"{'a': 1}[1]", ERROR("its keys are strings")},
    {"{1: 2}", ERROR("the keys of a map are strings")}, /* ours: maps are JSON's */
    {"{'a': 1, 'a': 2}", ERROR("twice")},
    {"'a'.b", ERROR("is a string, it has no member")},
    {"1 in [1, 2]", "true", NULL},
    {"3 in [1, 2]", "false", NULL},
    {"1.0 in [1, 2]", "true", NULL},
    {"[1] in [[1], [2]]", "true", NULL},
    {"'a' in {'a': 1}", "true", NULL},
    {"'b' in {'a': 1}", "false", NULL},
    {"1 in {'a': 1}", "false", NULL},
    {"'a' in 'abc'", ERROR("must be a list or a map")},
    {"has({'a': 1}.a)", "true", NULL},
    {"has({'a': null}.a)", "true", NULL},
    {"has({'a': 1}.b)", "false", NULL},
    {"has({'a': 1}.b.c)", ERROR("there is no \"b\"")}, /* only the last name may be missing */
    {"has({'a': 1}['a'])", ERROR("has() needs a member")},
    {"has(1)", ERROR("has() needs a member")},
    {"[1, 2,]", "[1,2]", NULL},
    {"{'a': 1,}", "{\"a\":1}", NULL},
    {"[]", "[]", NULL},
    {"[[[[[[[[[[[['foo']]]]]]]]]]]][0][0][0][0][0][0][0][0][0][0][0][0]", "\"foo\"", NULL},
};

static const struct cel_case grammar[] = {
    {"1 // a comment\n + 1", "2", NULL},
    {" \t\r\n1\f", "1", NULL},
    {"-!true", ERROR("expected a value")},
    {"!-1", ERROR("expected a value")},
    {"1 +", ERROR("ends, but a value is expected")},
    {"", ERROR("ends, but a value is expected")},
    {"(1", ERROR("expected ')'")},
    {"[1", ERROR("expected ']'")},
    {"1 2", ERROR("expected an operator")},
    {"1 = 1", ERROR("= is not an operator")},
    {"true & false", ERROR("write && for")},
    {"if", ERROR("reserved word")},
    {"in", ERROR("reserved word")},
    {"foo", ERROR("there is no \"foo\"")},
    {"{'a': 1}.in", ERROR("expected the name of a member")},
    {"matches('a', 'b')", ERROR("there is no function \"matches\"")},
    {"contains('a')", ERROR("contains is called as text.contains(part)")},
    {"1 < 2 == true", "true", NULL}, /* relations from the left */
    {"((((((((((((((((((((((((((((((((7))))))))))))))))))))))))))))))))", "7", NULL},
    {"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!true", "true", NULL},
    {"true ? 1 : true ? 2 : true ? 3 : true ? 4 : true ? 5 : true ? 6 : true ? 7 : true ? 8 : true "
     "? 9 : true ? 10 : true ? 11 : true ? 12 : true ? 13 : true ? 14 : true ? 15 : true ? 16 : "
     "true ? 17 : true ? 18 : true ? 19 : true ? 20 : true ? 21 : true ? 22 : true ? 23 : true ? "
     "24 : 25",
     "1", NULL},
    {"false || false || false || false || false || false || false || false || false || false || "
     "false || false || false || false || false || false || false || false || false || false || "
     "false || false || false || false || false || false || false || false || false || false || "
     "false || true",
     "true", NULL},
    {"3 - 3 + 3 - 3 + 3 - 3 + 3 - 3 + 3 - 3 + 3 - 3 + 3 - 3 + 3 - 3 + 3 - 3 + 3 - 3 + 3 - 3 + 3 - "
     "3 "
     "+ 3",
     "3", NULL},
};

static struct bytes nothing(void *context, const struct expr_ref *ref)
{
    (void)context;
    (void)ref;
    return BYTES_NONE;
}

static bool holds(const struct cel_case *c)
{
    struct arena arena = {0};
    struct expr_scope scope = {.read = nothing, .arena = &arena};
    struct expr *e;
    struct expr_fault fault = {.detail = ""};
    struct bytes json = BYTES_NONE;
    enum err err = expr_parse(&arena, bytes_str(c->text), EXPR_ROOTS_STEP, &e, &fault);
    if (err == ERR_OK) {
        err = expr_eval(e, &scope, &json, &fault);
    }
    bool good = c->value != NULL ? err == ERR_OK && bytes_is(json, c->value)
                                 : err != ERR_OK && strstr(fault.detail, c->error) != NULL;
    if (!good) {
        print_error("%s\n  gives %.*s %s\n", c->text, (int)json.len, (const char *)json.ptr,
                    err != ERR_OK ? fault.detail : "");
    }
    arena_free(&arena);
    return good;
}

static void all_hold(const struct cel_case *cases, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        wrong += !holds(&cases[i]);
    }
    assert_int_equal(wrong, 0);
}

#define TABLE_TEST(name, table)                                                                    \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        all_hold(table, sizeof table / sizeof *table);                                             \
    }

TABLE_TEST(test_logic_absorbs_errors_of_the_other_side, logic)
TABLE_TEST(test_ints_are_64_bits_and_never_wrap, ints)
TABLE_TEST(test_doubles_are_those_of_ieee_754, doubles)
TABLE_TEST(test_equality_compares_by_value, equality)
TABLE_TEST(test_order_is_for_numbers_strings_and_bools, order)
TABLE_TEST(test_strings_are_code_points, strings)
TABLE_TEST(test_conversions, conversions)
TABLE_TEST(test_lists_and_maps, containers)
TABLE_TEST(test_grammar, grammar)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logic_absorbs_errors_of_the_other_side),
        cmocka_unit_test(test_ints_are_64_bits_and_never_wrap),
        cmocka_unit_test(test_doubles_are_those_of_ieee_754),
        cmocka_unit_test(test_equality_compares_by_value),
        cmocka_unit_test(test_order_is_for_numbers_strings_and_bools),
        cmocka_unit_test(test_strings_are_code_points),
        cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_lists_and_maps),
        cmocka_unit_test(test_grammar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
