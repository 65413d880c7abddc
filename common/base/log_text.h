/* Internal to log.c: builds one log line in a fixed buffer. Pure, so that tests can check the exact
 * bytes. */
#ifndef MARATHON_BASE_LOG_TEXT_H
#define MARATHON_BASE_LOG_TEXT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"

/* PIPE_BUF: other writers cannot interleave with a line written to a pipe */
#define LOG_LINE_BYTES_MAX 4096

struct log_text {
    char text[LOG_LINE_BYTES_MAX];
    size_t len;
};

/* pairs: the formatted pairs of log_line, "key=value ..." or "". The line ends with a newline. What
 * does not fit is dropped: in logfmt the rest of the text (marked "..."), in JSON whole pairs, so
 * that the line stays one JSON object. */
void log_text_build(struct log_text *line, const struct log_options *options, enum log_level level,
                    unix_ms now, const char *event, const char *pairs);

#endif
