/* Labels: what a worker says of itself ("gpu=true"), and what a step requires of the worker that it
 * runs on. A set of them as one text is sorted and has commas between: "gpu=true,region=eu"; ""
 * is the empty one. Pure. */
#ifndef MARATHON_MODEL_LABEL_H
#define MARATHON_MODEL_LABEL_H

#include <stdbool.h>

#include "base/bytes.h"

/* A name of 1 to LABEL_PART_BYTES_MAX of A-Z a-z 0-9 _ . : -, "=", and a value of the same. */
bool label_valid(struct bytes label);
bool label_part_valid(struct bytes part);
/* Its name: what is before the "=". */
struct bytes label_name(struct bytes label);
/* Are all labels of the text `required` among those of a worker? They have to be equal. */
bool labels_meet(const struct bytes *labels, size_t count, struct bytes required);
/* Takes the first label off a text; false where there is none. */
bool labels_next(struct bytes *rest, struct bytes *ret_label);
/* {"gpu":"true","region":"eu"} */
void labels_put_json(struct buf *out, struct bytes labels);

#endif
