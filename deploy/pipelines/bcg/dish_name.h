/* Are two dish names the same dish? Letters and digits are compared without regard to case; what
 * OCR gets wrong now and then, one letter in eight, is forgiven. Pure. */
#ifndef MARATHON_BCG_DISH_NAME_H
#define MARATHON_BCG_DISH_NAME_H

#include <stdbool.h>

#include "base/bytes.h"

#define DISH_NAME_LETTERS_MAX 200u /* letters behind these are not compared */

bool dish_name_same(struct bytes a, struct bytes b);

#endif
