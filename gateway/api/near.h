/* The name that was probably meant, where one is given that there is not. Pure. */
#ifndef MARATHON_API_NEAR_H
#define MARATHON_API_NEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* Is `given` a slip of the keyboard away from `name`, or a part of it? */
bool near_name(struct bytes given, const char *name);
/* Appends what is said of a name that there is not: "; did you mean a?" where one is near, and then
 * " (there are a, b, c)". */
void near_put(struct buf *out, struct bytes given, const char *const *names, size_t count);

#endif
