#include "expr/lex.h"

#include <stdlib.h>

#include "base/utf8.h"

struct lexer {
    struct bytes text;
    size_t at;
    struct arena *arena;
};

static int peek(const struct lexer *x, size_t ahead)
{
    return x->at + ahead < x->text.len ? x->text.ptr[x->at + ahead] : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(int c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool begins_name(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void skip_space(struct lexer *x)
{
    for (;;) {
        int c = peek(x, 0);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            x->at++;
        } else if (c == '/' && peek(x, 1) == '/') {
            while (peek(x, 0) >= 0 && peek(x, 0) != '\n') {
                x->at++;
            }
        } else {
            return;
        }
    }
}

static struct token fault(const struct lexer *x, const char *why)
{
    return (struct token){.kind = TOKEN_FAULT, .fault = why, .fault_at = (uint32_t)x->at};
}

static struct token number_token(const struct lexer *x, struct value v)
{
    int c = peek(x, 0);
    if (c == 'u' || c == 'U') {
        return fault(x, "unsigned numbers are not supported: leave the u out");
    }
    if (begins_name(c)) {
        return fault(x, "a letter directly after a number");
    }
    return (struct token){.kind = TOKEN_CONSTANT, .value = v};
}

/* Reads the digits as a negative number, because INT64_MIN has no positive counterpart; primary.c
 * changes the sign unless there is a minus. */
static struct token lex_whole(struct lexer *x, int base)
{
    int64_t v = 0;
    bool over = false;
    size_t digits = 0;
    for (; base == 16 ? hex_digit(peek(x, 0)) >= 0 : is_digit(peek(x, 0)); x->at++, digits++) {
        int digit = hex_digit(peek(x, 0));
        over = over || __builtin_mul_overflow(v, base, &v) || __builtin_sub_overflow(v, digit, &v);
    }
    if (digits == 0) {
        return fault(x, "0x must be followed by a hexadecimal digit");
    }
    if (over) {
        return fault(x, "this number does not fit in 64 bits");
    }
    return number_token(x, value_int(v)); /* negative, see above */
}

static struct token lex_number(struct lexer *x)
{
    if (peek(x, 0) == '0' && (peek(x, 1) | 0x20) == 'x') {
        x->at += 2;
        return lex_whole(x, 16);
    }
    size_t end = x->at;
    bool real = false;
    while (end < x->text.len && is_digit(x->text.ptr[end])) {
        end++;
    }
    if (end + 1 < x->text.len && x->text.ptr[end] == '.' && is_digit(x->text.ptr[end + 1])) {
        real = true;
        for (end++; end < x->text.len && is_digit(x->text.ptr[end]); end++) {
        }
    }
    if (end < x->text.len && (x->text.ptr[end] | 0x20) == 'e') {
        size_t digits = end + 1;
        digits += digits < x->text.len && strchr("+-", x->text.ptr[digits]) != NULL &&
                  x->text.ptr[digits] != '\0';
        if (digits < x->text.len && is_digit(x->text.ptr[digits])) {
            real = true;
            for (end = digits; end < x->text.len && is_digit(x->text.ptr[end]); end++) {
            }
        }
    }
    if (!real) {
        return lex_whole(x, 10);
    }
    struct bytes digits = bytes_part(x->text, x->at, end - x->at);
    x->at = end;
    return number_token(
        x, value_double(strtod((const char *)arena_bytes(x->arena, digits).ptr, NULL)));
}

/* Reads count digits of a base; -1 if they are not all there. */
static int64_t escape_digits(struct lexer *x, int count, int base)
{
    int64_t v = 0;
    for (int i = 0; i < count; i++) {
        int digit = hex_digit(peek(x, 0));
        if (digit < 0 || digit >= base) {
            return -1;
        }
        v = v * base + digit;
        x->at++;
    }
    return v;
}

/* Decodes an escape, after its backslash. Returns NULL, or the error. */
static const char *lex_escape(struct lexer *x, struct buf *out)
{
    static const char from[] = "abfnrtv\\?\"'`";
    static const char to[] = "\a\b\f\n\r\t\v\\?\"'`";
    int c = peek(x, 0);
    const char *known = c > 0 ? strchr(from, c) : NULL;
    if (known != NULL) {
        x->at++;
        buf_add_char(out, to[known - from]);
        return NULL;
    }
    int64_t code_point;
    if (c >= '0' && c <= '3') {
        code_point = escape_digits(x, 3, 8);
    } else {
        int count = c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        if (count == 0) {
            return "unknown escape; these exist: \\n"
                   " \\t \\r \\\\ \\\" \\' \\xHH \\uHHHH \\UHHHHHHHH \\ooo and others of CEL's";
        }
        x->at++;
        code_point = escape_digits(x, count, 16);
    }
    if (code_point < 0 || code_point > 0x10ffff || (code_point >= 0xd800 && code_point < 0xe000)) {
        return "this escape is not a Unicode code point";
    }
    uint8_t utf8[4];
    buf_add(out, utf8, utf8_encode((uint32_t)code_point, utf8));
    return NULL;
}

/* Reads a string after its opening quote of `quotes` characters. Returns NULL, or the error. */
static const char *lex_string_inside(struct lexer *x, int quote, int quotes, bool raw,
                                     struct buf *out)
{
    for (;;) {
        int c = peek(x, 0);
        if (c < 0) {
            return "the string has no closing quote";
        }
        if (c == quote && (quotes == 1 || (peek(x, 1) == quote && peek(x, 2) == quote))) {
            x->at += (size_t)quotes;
            return NULL;
        }
        if (quotes == 1 && (c == '\n' || c == '\r')) {
            return "a line break within a string; write \\n, or use three quotes";
        }
        x->at++;
        if (c != '\\' || raw) {
            buf_add_char(out, (char)c);
            continue;
        }
        const char *why = lex_escape(x, out);
        if (why != NULL) {
            return why;
        }
    }
}

static struct token lex_string(struct lexer *x, bool raw)
{
    int quote = peek(x, 0);
    int quotes = peek(x, 1) == quote && peek(x, 2) == quote ? 3 : 1;
    x->at += (size_t)quotes;
    struct buf b = {0};
    const char *why = lex_string_inside(x, quote, quotes, raw, &b);
    struct token t = {.kind = TOKEN_CONSTANT};
    if (why != NULL) {
        t = fault(x, why);
    } else {
        t.value = value_string(arena_bytes(x->arena, buf_bytes(&b)));
    }
    buf_free(&b);
    return t;
}

static struct token lex_sign(struct lexer *x)
{
    static const char two[][3] = {"&&", "||", "==", "!=", "<=", ">="};
    for (size_t i = 0; i < sizeof two / sizeof *two; i++) {
        if (peek(x, 0) == two[i][0] && peek(x, 1) == two[i][1]) {
            x->at += 2;
            return (struct token){.kind = TOKEN_SIGN};
        }
    }
    int c = peek(x, 0);
    if (c <= 0 || strchr("()[]{}.,?:!-+*/%<>", c) == NULL) {
        return fault(x, c == '='               ? "= is not an operator; use == to compare"
                        : c == '&' || c == '|' ? "write && for \"and\", || for \"or\""
                        : c == '$'             ? "write names without $ inside an expression"
                                               : "unexpected character");
    }
    x->at++;
    return (struct token){.kind = TOKEN_SIGN};
}

static struct token lex_any(struct lexer *x)
{
    int c = peek(x, 0), next = peek(x, 1);
    if (c < 0) {
        return (struct token){.kind = TOKEN_END};
    }
    if (is_digit(c) || (c == '.' && is_digit(next))) {
        return lex_number(x);
    }
    if (c == '"' || c == '\'') {
        return lex_string(x, false);
    }
    if ((c == 'r' || c == 'R') && (next == '"' || next == '\'')) {
        x->at++;
        return lex_string(x, true);
    }
    if ((c == 'b' || c == 'B') && (next == '"' || next == '\'')) {
        return fault(x, "bytes are not supported, only strings");
    }
    if (begins_name(c)) {
        while (begins_name(peek(x, 0)) || is_digit(peek(x, 0))) {
            x->at++;
        }
        return (struct token){.kind = TOKEN_NAME};
    }
    return lex_sign(x);
}

struct token lex(struct bytes text, uint32_t at, struct arena *arena)
{
    struct lexer x = {text, at, arena};
    skip_space(&x);
    size_t from = x.at;
    struct token t = lex_any(&x);
    t.from = (uint32_t)from;
    t.to = (uint32_t)x.at;
    t.text = bytes_part(text, from, x.at - from);
    return t;
}

bool token_is(const struct token *t, const char *sign_or_name)
{
    return (t->kind == TOKEN_SIGN || t->kind == TOKEN_NAME) && bytes_is(t->text, sign_or_name);
}
