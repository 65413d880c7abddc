#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_text.h"
#include "base/utf8.h"

#define QUOTE_RING      8
#define QUOTE_BYTES_MAX 512

/* Set once, before other threads start. */
static struct log_options settings = {.role = "marathon", .level = LOG_INFO};
static bool to_journal;

/* systemd tells us the device and inode of its journal's stream: stderr may have been redirected
 * since. */
static bool journal_reads_stderr(void)
{
    const char *said = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat st;
    return said != NULL && sscanf(said, "%ju:%ju", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_init(const struct log_options *options)
{
    settings = *options;
    to_journal = journal_reads_stderr();
}

bool log_enabled(enum log_level level)
{
    return level >= settings.level;
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
    if (!log_enabled(level)) {
        return;
    }
    /* callers may log between a failed call and their use of errno */
    int saved_errno = errno;
    char pairs[LOG_LINE_BYTES_MAX] = "";
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(pairs, sizeof pairs, format, args);
        va_end(args);
    }
    struct log_text line;
    log_text_build(&line, &settings, level, clock_now().wall, event, pairs);
    static const char *const priorities[] = {"<7>", "<6>", "<4>", "<3>"}; /* of syslog */
    struct iovec pieces[] = {{(void *)(uintptr_t)priorities[level], to_journal ? 3 : 0},
                             {line.text, line.len}};
    ssize_t written;
    do {
        written = writev(STDERR_FILENO, pieces, 2);
    } while (written < 0 && errno == EINTR);
    /* an error of writev is ignored: there is nowhere to report it */
    errno = saved_errno;
}

/* Can the value be written without quotes? Values that look like numbers are quoted, so that JSON
 * lines keep them as strings. */
static bool is_plain(const char *value)
{
    if (value[0] == '\0' || strlen(value) > QUOTE_BYTES_MAX ||
        value[strspn(value, "-.0123456789")] == '\0') {
        return false;
    }
    for (const char *c = value; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || *c == '"' || *c == '=' ||
            *c == '\\') {
            return false;
        }
    }
    return true;
}

/* Writes one character of the value, escaped, to out[6]; returns its bytes, and in ret_taken those
 * read from the value. */
static size_t quote_char(const uint8_t *at, const uint8_t *end, char *out, size_t *ret_taken)
{
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    size_t len = utf8_sequence(at, end);
    *ret_taken = len > 0 ? len : 1;
    if (len == 0) {
        memcpy(out, replacement, 3);
        return 3;
    }
    char escape = *at == '"'    ? '"'
                  : *at == '\\' ? '\\'
                  : *at == '\n' ? 'n'
                  : *at == '\r' ? 'r'
                  : *at == '\t' ? 't'
                                : '\0';
    if (escape != '\0') {
        out[0] = '\\';
        out[1] = escape;
        return 2;
    }
    if (*at < 0x20 || *at == 0x7f) {
        out[0] = '?';
        return 1;
    }
    memcpy(out, at, len);
    return len;
}

const char *log_quote(const char *value)
{
    /* room for quotes, "..." and the NUL */
    static _Thread_local char ring[QUOTE_RING][QUOTE_BYTES_MAX + 6];
    static _Thread_local unsigned next;
    char *text = ring[next++ % QUOTE_RING];
    if (value == NULL) {
        value = "";
    }
    if (is_plain(value)) {
        return memcpy(text, value, strlen(value) + 1);
    }
    size_t len = 0;
    text[len++] = '"';
    const uint8_t *at = (const uint8_t *)value;
    /* beyond the limit, so that a multi-byte sequence at the cut is complete */
    const uint8_t *end = at + strnlen(value, QUOTE_BYTES_MAX + 4);
    while (at < end) {
        char out[6];
        size_t taken;
        size_t n = quote_char(at, end, out, &taken);
        if (len - 1 + n > QUOTE_BYTES_MAX) {
            break;
        }
        memcpy(text + len, out, n);
        len += n;
        at += taken;
    }
    const char *tail = *at != '\0' ? "...\"" : "\"";
    memcpy(text + len, tail, strlen(tail) + 1);
    return text;
}

enum err log_level_parse(const char *text, enum log_level *ret_level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}
