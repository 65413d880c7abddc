/* Tables for people: columns as wide as their widest cell, two blanks between them, headings in
 * capitals. Pure. */
#ifndef MARATHON_CLI_TABLE_H
#define MARATHON_CLI_TABLE_H

#include "cli/text.h"

#define TABLE_COLUMNS_MAX  10
#define TABLE_CELL_COLUMNS 60 /* longer cells are cut, except in the last column */

struct table {
    size_t columns;
    struct buf cells; /* each cell NUL-terminated, row after row */
    size_t count;     /* of cells */
};

/* headings: `columns` texts. Free with table_free. */
void table_init(struct table *t, const char *const *headings, size_t columns);
void table_free(struct table *t);
/* Adds the next cell, row by row; an empty one shows as "-". Replaces control characters. */
void table_add(struct table *t, struct bytes cell);
void table_addf(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_write(const struct table *t, const struct text_style *style, struct buf *out);

#endif
