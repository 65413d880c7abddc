#include "http/request_line.h"

#include <string.h>
#include <strings.h>

#define HARMLESS '_' /* in a target */

/* In any case of letters, as libwebsockets takes them. Not CONNECT, of which it makes a tunnel. */
static bool method_is_known(const uint8_t *at, size_t len)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i]) == len && strncasecmp(known[i], (const char *)at, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* Empty lines before it count for nothing. */
size_t request_method_take(struct field_scan *s, uint8_t *at, size_t len)
{
    size_t n = 0;
    while (n < len && (at[n] == '\r' || at[n] == '\n')) {
        n++;
    }
    if (n > 0) {
        return n;
    }
    while (n < len && n < FIELD_NAME_BYTES_MAX && is_letter(at[n])) {
        n++;
    }
    if (n == len && n < FIELD_NAME_BYTES_MAX) {
        return 0;
    }
    if (n < 3 || n == FIELD_NAME_BYTES_MAX || at[n] != ' ') {
        s->at = FIELD_AT_REST;
        return len;
    }
    if (!method_is_known(at, n)) {
        memset(at, ' ', n);
        memcpy(at, "GET", 3);
        s->fault = FIELD_STRANGE_METHOD;
    }
    s->at = FIELD_AT_TARGET;
    s->line_begun = false;
    return n + 1;
}

static int hex_value(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

enum escape { ESCAPE_GOOD, ESCAPE_BAD, ESCAPE_CUT };

/* Of what begins with %. A NUL would end the text for whoever reads it. */
static enum escape escape_look(const uint8_t *at, size_t len)
{
    for (size_t i = 1; i < 3; i++) {
        if (i == len) {
            return ESCAPE_CUT;
        }
        if (hex_value(at[i]) < 0) {
            return ESCAPE_BAD;
        }
    }
    return at[1] == '0' && at[2] == '0' ? ESCAPE_BAD : ESCAPE_GOOD;
}

static void target_refuse(struct field_scan *s, uint8_t *at, uint8_t harmless)
{
    *at = harmless;
    s->fault = FIELD_NO_TARGET;
}

/* The blanks before it, and its first letter. */
static size_t target_begin(struct field_scan *s, uint8_t *at, size_t len)
{
    size_t n = 0;
    while (n < len && at[n] == ' ') {
        n++;
    }
    if (n == len) {
        return n;
    }
    s->line_begun = true;
    if (at[n] != '/' && at[n] != '\r' && at[n] != '\n') {
        target_refuse(s, at + n, '/');
    }
    return at[n] == '/' ? n + 1 : n;
}

/* What stands behind it ends with the line, as a field's value does. */
static void target_end(struct field_scan *s, uint8_t c)
{
    s->at = c == '\n' ? FIELD_AT_NAME : FIELD_AT_VALUE;
    s->kind = FIELD_VERSION;
    s->word_len = 0;
}

size_t request_target_take(struct field_scan *s, uint8_t *at, size_t len)
{
    size_t n = s->line_begun ? 0 : target_begin(s, at, len);
    for (; n < len; n++) {
        if (at[n] == ' ' || at[n] == '\r' || at[n] == '\n') {
            target_end(s, at[n]);
            return n + 1;
        }
        enum escape e = at[n] == '%' ? escape_look(at + n, len - n) : ESCAPE_GOOD;
        if (e == ESCAPE_CUT) {
            return n;
        }
        if (e == ESCAPE_BAD || at[n] < ' ' || at[n] == 0x7f) {
            target_refuse(s, at + n, HARMLESS);
        }
    }
    return n;
}

bool request_version_fits(const char *word, size_t len)
{
    static const char version[] = "HTTP/1.";
    size_t n = strlen(version);
    return len == 0 ||
           (len == n + 1 && memcmp(word, version, n) == 0 && word[n] >= '0' && word[n] <= '9');
}
