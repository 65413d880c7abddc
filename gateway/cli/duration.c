#include "cli/duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND_MS    INT64_C(1000)
#define MINUTE_MS    (60 * SECOND_MS)
#define HOUR_MS      (60 * MINUTE_MS)
#define DAY_MS       (24 * HOUR_MS)
#define PATIENCE_MAX (7 * DAY_MS) /* longer than a week is probably a mistake in the unit */

static char *long_text(int64_t ms, char text[DURATION_TEXT_BYTES])
{
    if (ms < HOUR_MS) {
        (void)snprintf(text, DURATION_TEXT_BYTES, "%" PRId64 "m %02" PRId64 "s", ms / MINUTE_MS,
                       ms % MINUTE_MS / SECOND_MS);
    } else if (ms < DAY_MS) {
        (void)snprintf(text, DURATION_TEXT_BYTES, "%" PRId64 "h %02" PRId64 "m", ms / HOUR_MS,
                       ms % HOUR_MS / MINUTE_MS);
    } else {
        (void)snprintf(text, DURATION_TEXT_BYTES, "%" PRId64 "d %02" PRId64 "h", ms / DAY_MS,
                       ms % DAY_MS / HOUR_MS);
    }
    return text;
}

char *duration_text(int64_t ms, char text[DURATION_TEXT_BYTES])
{
    if (ms < 0) {
        ms = 0;
    }
    if (ms < SECOND_MS) {
        (void)snprintf(text, DURATION_TEXT_BYTES, "%" PRId64 "ms", ms);
        return text;
    }
    if (ms < MINUTE_MS) {
        (void)snprintf(text, DURATION_TEXT_BYTES, "%" PRId64 ".%" PRId64 "s", ms / SECOND_MS,
                       ms % SECOND_MS / 100);
        return text;
    }
    return long_text(ms, text);
}

char *duration_clock(int64_t ms, char text[DURATION_TEXT_BYTES])
{
    if (ms < 0) {
        ms = 0;
    }
    if (ms < MINUTE_MS) {
        (void)snprintf(text, DURATION_TEXT_BYTES, "%" PRId64 "s", ms / SECOND_MS);
        return text;
    }
    return long_text(ms, text);
}

enum err duration_parse(const char *text, int64_t *ret_ms)
{
    if (text[0] < '0' || text[0] > '9') {
        return ERR_INVALID;
    }
    char *end = NULL;
    long long number = strtoll(text, &end, 10);
    int64_t unit = SECOND_MS;
    if (*end == 's') {
        end++;
    } else if (*end == 'm') {
        unit = MINUTE_MS;
        end++;
    } else if (*end == 'h') {
        unit = HOUR_MS;
        end++;
    }
    if (*end != '\0' || number > PATIENCE_MAX / unit) {
        return ERR_INVALID;
    }
    *ret_ms = (int64_t)number * unit;
    return ERR_OK;
}
