#include "cli/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#define FORMATTED_BYTES_MAX 512 /* numbers, times and short phrases */

void table_init(struct table *t, const char *const *headings, size_t columns)
{
    assert(columns > 0 && columns <= TABLE_COLUMNS_MAX);
    *t = (struct table){.columns = columns};
    for (size_t i = 0; i < columns; i++) {
        table_add(t, bytes_str(headings[i]));
    }
}

void table_free(struct table *t)
{
    buf_free(&t->cells);
}

void table_add(struct table *t, struct bytes cell)
{
    if (cell.len == 0) {
        cell = BYTES_LIT("-");
    }
    bool last = t->count % t->columns == t->columns - 1;
    text_put_fit(&t->cells, cell, last ? SIZE_MAX : TABLE_CELL_COLUMNS, false);
    buf_add_char(&t->cells, '\0');
    t->count++;
}

void table_addf(struct table *t, const char *format, ...)
{
    char text[FORMATTED_BYTES_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    table_add(t, bytes_str(text));
}

void table_write(const struct table *t, const struct text_style *style, struct buf *out)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    const char *cell = (const char *)t->cells.ptr;
    for (size_t i = 0; i < t->count; i++) {
        size_t n = text_columns(bytes_str(cell));
        widths[i % t->columns] = n > widths[i % t->columns] ? n : widths[i % t->columns];
        cell += strlen(cell) + 1;
    }
    cell = (const char *)t->cells.ptr;
    for (size_t i = 0; i < t->count; i++) {
        size_t column = i % t->columns;
        bool last = column == t->columns - 1;
        bool heading = i < t->columns;
        if (heading) {
            text_colour_begin(out, style, TEXT_DIM);
        }
        text_put_fit(out, bytes_str(cell), last ? SIZE_MAX : widths[column], !last);
        if (heading) {
            text_colour_end(out, style);
        }
        buf_add_str(out, last ? "\n" : "  ");
        cell += strlen(cell) + 1;
    }
}
