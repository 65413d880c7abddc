/* Logs: logfmt lines on stderr, `time level role event key=value ...`, or JSON lines if configured.
 *
 * error = we gave something up; warn = something is odd, and what we do about it; info = life
 * cycle; debug = per message. Never payloads, never secrets. Programs log, libraries return; pure
 * code emits log effects. Thread-safe (one write(2) per line). If stderr is systemd's journal, each
 * line begins with its priority (<4>), which the journal strips: journalctl -p warning. */
#ifndef MARATHON_BASE_LOG_H
#define MARATHON_BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_options {
    const char *role;     /* coordinator, worker, gateway, marathon */
    enum log_level level; /* lines below this level are dropped */
    bool json;
};

void log_init(const struct log_options *options); /* borrows role for the life of the process */
bool log_enabled(enum log_level level);
/* `event` is a constant snake_case name. `format` (may be NULL) produces `key=value` pairs in
 * logfmt; values with spaces are quoted with LOG_Q:
 *
 *     log_line(LOG_INFO, "worker_joined", "worker=%s slots=%u", id, slots); */
void log_line(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Quotes and escapes a value for logfmt. Returns one of 8 thread-local buffers, used in turn; long
 * values are cut at 512 bytes. */
const char *log_quote(const char *value);
#define LOG_Q(value) log_quote(value)

enum err MUST_CHECK log_level_parse(const char *text,
                                    /* "debug", "info", "warn", "error" */
                                    enum log_level *ret_level);

#endif
