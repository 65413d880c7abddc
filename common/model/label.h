/* Labels: what a worker offers ("gpu=true"), and what a step requires of the worker it runs on. A
 * set of labels as one text is sorted and separated by commas: "gpu=true,region=eu"; "" is the
 * empty set. Pure. */
#ifndef MARATHON_MODEL_LABEL_H
#define MARATHON_MODEL_LABEL_H

#include <stdbool.h>

#include "base/bytes.h"

/* A name of 1 to LABEL_PART_BYTES_MAX characters of A-Z a-z 0-9 _ . : -, then "=", then a value of
 * the same form. */
bool label_valid(struct bytes label);
bool label_part_valid(struct bytes part);
/* The part before the "=". */
struct bytes label_name(struct bytes label);
/* Does a worker with these labels have all labels of the text `required`, with equal values? */
bool labels_meet(const struct bytes *labels, size_t count, struct bytes required);
/* Removes the first label of the text *rest; false if it is empty. */
bool labels_next(struct bytes *rest, struct bytes *ret_label);
/* {"gpu":"true","region":"eu"} */
void labels_put_json(struct buf *out, struct bytes labels);

#endif
