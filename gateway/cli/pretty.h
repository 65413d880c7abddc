/* Formats JSON for reading: indented by two blanks, one member per line, numbers and strings
 * unchanged. Pure. */
#ifndef MARATHON_CLI_PRETTY_H
#define MARATHON_CLI_PRETTY_H

#include "base/bytes.h"

/* `value` must have passed json_check (which bounds its depth). */
void pretty_write(struct buf *out, struct bytes value);

#endif
