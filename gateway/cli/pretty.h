/* JSON laid out for reading: two blanks a level, one member a line, numbers and strings as they
 * stood. Pure. */
#ifndef MARATHON_CLI_PRETTY_H
#define MARATHON_CLI_PRETTY_H

#include "base/bytes.h"

/* `value` was accepted by json_check (its depth is bounded by it). */
void pretty_write(struct buf *out, struct bytes value);

#endif
