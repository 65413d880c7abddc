#include "base/log_text.h"

#include "base/utf8.h"

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* Adds what fits before `limit`; false if something did not fit. */
static bool add(struct log_text *line, const char *s, size_t n, size_t limit)
{
    size_t room = limit - line->len;
    size_t len = n < room ? n : room;
    memcpy(line->text + line->len, s, len);
    line->len += len;
    return len == n;
}

static void logfmt_build(struct log_text *line, const char *head, const char *pairs)
{
    size_t limit = sizeof line->text - 4; /* reserves "..." and the newline */
    bool whole = add(line, head, strlen(head), limit);
    if (whole && pairs[0] != '\0') {
        whole = add(line, " ", 1, limit) && add(line, pairs, strlen(pairs), limit);
    }
    for (size_t i = 0; i < line->len; i++) {
        if ((uint8_t)line->text[i] < 0x20) { /* a value must not be able to start a new line */
            line->text[i] = ' ';
        }
    }
    if (!whole) {
        (void)add(line, "...", 3, sizeof line->text - 1);
    }
    (void)add(line, "\n", 1, sizeof line->text);
}

/* A number that every JSON reader keeps exactly: at most 15 digits. */
static bool is_number(struct bytes v)
{
    size_t i = 0, digits = 0;
    if (i < v.len && v.ptr[i] == '-') {
        i++;
    }
    size_t from = i;
    for (; i < v.len && v.ptr[i] >= '0' && v.ptr[i] <= '9'; i++) {
        digits++;
    }
    if (digits == 0 || (digits > 1 && v.ptr[from] == '0')) {
        return false;
    }
    if (i < v.len && v.ptr[i] == '.') {
        size_t fraction = i + 1;
        for (i = fraction; i < v.len && v.ptr[i] >= '0' && v.ptr[i] <= '9'; i++) {
            digits++;
        }
        if (i == fraction) {
            return false;
        }
    }
    return i == v.len && digits <= 15;
}

/* Adds text inside a JSON string. Escapes made by log_quote (in_quotes) are passed through. */
static bool add_escaped(struct log_text *line, struct bytes v, bool in_quotes, size_t limit)
{
    const uint8_t *end = v.ptr + v.len;
    bool fits = true;
    for (const uint8_t *at = v.ptr; at < end && fits;) {
        size_t len = utf8_sequence(at, end);
        if (len == 0) {
            fits = add(line, "\\ufffd", 6, limit);
            at++;
        } else if (*at < 0x20) {
            fits = add(line, " ", 1, limit);
            at++;
        } else if (*at == '\\' && in_quotes && at + 1 < end && strchr("\"\\nrt", at[1]) != NULL) {
            fits = add(line, (const char *)at, 2, limit);
            at += 2;
        } else if (*at == '"' || *at == '\\') {
            fits = add(line, "\\", 1, limit) && add(line, (const char *)at, 1, limit);
            at++;
        } else {
            fits = add(line, (const char *)at, len, limit);
            at += len;
        }
    }
    return fits;
}

static bool add_member(struct log_text *line, struct bytes key, struct bytes value, bool quoted)
{
    size_t limit = sizeof line->text - 2; /* reserves the brace and the newline */
    size_t before = line->len;
    bool bare =
        !quoted && (is_number(value) || bytes_is(value, "true") || bytes_is(value, "false"));
    bool fits = add(line, line->len > 1 ? ",\"" : "\"", line->len > 1 ? 2 : 1, limit) &&
                add_escaped(line, key, false, limit) &&
                add(line, bare ? "\":" : "\":\"", bare ? 2 : 3, limit) &&
                add_escaped(line, value, quoted, limit) && add(line, "\"", bare ? 0 : 1, limit);
    if (!fits) {
        line->len = before;
    }
    return fits;
}

/* at: after the opening quote. Returns the closing quote, or the end. */
static const char *quoted_end(const char *at)
{
    while (*at != '\0' && *at != '"') {
        at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
    }
    return at;
}

static void add_pairs(struct log_text *line, const char *at)
{
    for (at += strspn(at, " "); *at != '\0'; at += strspn(at, " ")) {
        size_t key_len = strcspn(at, "= ");
        struct bytes key = bytes_of(at, key_len);
        at += key_len;
        struct bytes value = BYTES_LIT("true"); /* a word without "=" */
        bool quoted = false;
        if (*at == '=') {
            at++;
            quoted = *at == '"';
            const char *from = quoted ? at + 1 : at;
            const char *end = quoted ? quoted_end(from) : from + strcspn(from, " ");
            value = bytes_of(from, (size_t)(end - from));
            at = quoted && *end == '"' ? end + 1 : end;
        }
        if (!add_member(line, key, value, quoted)) {
            return;
        }
    }
}

void log_text_build(struct log_text *line, const struct log_options *options, enum log_level level,
                    unix_ms now, const char *event, const char *pairs)
{
    char time[TIME_TEXT_BYTES];
    (void)time_format(now, time);
    line->len = 0;
    if (options->json) {
        (void)add(line, "{", 1, sizeof line->text);
        (void)add_member(line, BYTES_LIT("time"), bytes_str(time), true);
        (void)add_member(line, BYTES_LIT("level"), bytes_str(level_names[level]), true);
        (void)add_member(line, BYTES_LIT("role"), bytes_str(options->role), true);
        (void)add_member(line, BYTES_LIT("event"), bytes_str(event), true);
        add_pairs(line, pairs);
        (void)add(line, "}\n", 2, sizeof line->text);
        return;
    }
    struct buf head = {0};
    buf_addf(&head, "%s %s %s %s", time, level_names[level], options->role, event);
    logfmt_build(line, buf_cstr(&head), pairs);
    buf_free(&head);
}
