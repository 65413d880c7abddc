/* Inside of log.c: builds one log line in a fixed buffer. Pure, so that tests see the very bytes.
 */
#ifndef MARATHON_BASE_LOG_TEXT_H
#define MARATHON_BASE_LOG_TEXT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"

/* PIPE_BUF: a line that goes to a pipe is never torn by another writer's */
#define LOG_LINE_BYTES_MAX 4096

struct log_text {
    char text[LOG_LINE_BYTES_MAX];
    size_t len;
};

/* pairs: what the format of log_line gave, "key=value ..." or "". The line ends with a newline;
 * what does not fit is left out: the rest of the text in logfmt (marked "..."), whole pairs in
 * JSON, so that the line stays one JSON object. */
void log_text_build(struct log_text *line, const struct log_options *options, enum log_level level,
                    unix_ms now, const char *event, const char *pairs);

#endif
