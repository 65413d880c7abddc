/* Guesses which name was meant by an unknown one. Pure. */
#ifndef MARATHON_API_NEAR_H
#define MARATHON_API_NEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* Is `given` a typing error of `name`, or a part of it? */
bool near_name(struct bytes given, const char *name);
/* Appends a hint about an unknown name: "; did you mean a?" if one is near, then " (there are a, b,
 * c)". */
void near_put(struct buf *out, struct bytes given, const char *const *names, size_t count);

#endif
