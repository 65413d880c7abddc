/* The matrix as the JSON result of the function, with how each dish stands on the menu where a step
 * has read one. Pure. */
#ifndef MARATHON_BCG_REPORT_H
#define MARATHON_BCG_REPORT_H

#include "bcg/matrix.h"
#include "json/doc.h"

struct report_source {
    const struct sales *sales;
    int32_t window_days;
    const struct doc_value *menu; /* results.menu_extraction.dishes, or NULL */
};

/* Appends one JSON object. */
void report_write(const struct matrix *m, const struct report_source *source, struct buf *out);

#endif
