/* Durations and times for people. Pure. */
#ifndef MARATHON_CLI_DURATION_H
#define MARATHON_CLI_DURATION_H

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

#define DURATION_TEXT_BYTES 24

/* At most two units, so that columns stay narrow: "350ms", "4.2s", "2m 05s", "1h 02m", "3d 04h". A
 * negative duration counts as 0. */
char *duration_text(int64_t ms, char text[DURATION_TEXT_BYTES]);
/* Without fractions, for what changes on the screen: "0s", "42s", "2m 05s". */
char *duration_clock(int64_t ms, char text[DURATION_TEXT_BYTES]);
/* Converts "5", "30s", "2m", "1h" to milliseconds; a plain number is seconds; at most a week. */
enum err MUST_CHECK duration_parse(const char *text, int64_t *ret_ms);

#endif
