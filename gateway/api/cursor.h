/* Cursors of lists: base64url of "<milliseconds>:<id>". Pure, private to api/. */
#ifndef MARATHON_API_CURSOR_H
#define MARATHON_API_CURSOR_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/clock.h"

void cursor_put(struct buf *out, unix_ms before, struct bytes id);
/* False if the text was not made by cursor_put. */
bool cursor_parse(struct bytes text, struct arena *arena, unix_ms *ret_before,
                  struct bytes *ret_id);

#endif
