/* Times. Durations and deadlines are mono_ms (CLOCK_BOOTTIME), which never jumps; unix_ms (the wall
 * clock) is only shown and stored, never compared between hosts. Only main loops call the functions
 * below; pure code gets times as arguments. */
#ifndef MARATHON_BASE_CLOCK_H
#define MARATHON_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/bytes.h"

typedef int64_t mono_ms;
typedef int64_t unix_ms;

#define NEVER_MS INT64_MAX /* a deadline that never comes */

/* One moment on both clocks, as pure code gets it with each event. */
struct moment {
    mono_ms mono;
    unix_ms wall;
};

struct moment clock_now(void);
/* Microseconds of CLOCK_BOOTTIME, for measurements. */
int64_t clock_mono_us(void);

#define TIME_TEXT_BYTES 32
/* RFC 3339 in UTC with milliseconds and Z, as "2026-02-02T18:30:00.123Z"; returns text. Pure. */
char *time_format(unix_ms t, char text[TIME_TEXT_BYTES]);
/* The reverse; accepts any fraction, and Z or an offset. ERR_INVALID for anything else. Pure. */
enum err MUST_CHECK time_parse(struct bytes text, unix_ms *ret_time);

#endif
