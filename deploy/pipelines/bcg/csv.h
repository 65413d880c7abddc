/* CSV as spreadsheets write it (RFC 4180): quoted fields with "" for a quote and line breaks
 * inside, LF or CRLF, a byte order mark at the start, blank lines skipped. Pure; the text is
 * borrowed and must outlive the reader. */
#ifndef MARATHON_BCG_CSV_H
#define MARATHON_BCG_CSV_H

#include "base/bytes.h"
#include "base/err.h"

#define CSV_FIELDS_MAX 64u /* columns of one record: sales files have about five */
/* One record: a quote that is never closed must not swallow the file */
#define CSV_RECORD_BYTES_MAX (64u << 10)

struct csv {
    struct bytes text;
    size_t at;
    uint32_t next_line;                  /* from 1 */
    uint32_t line;                       /* where the record that was read last begins */
    struct buf plain;                    /* its fields, unquoted, one behind the other */
    struct bytes fields[CSV_FIELDS_MAX]; /* slices of plain, valid until the next csv_next */
    size_t field_count;
    const char *fault; /* static text, set with ERR_INVALID */
};

void csv_init(struct csv *c, struct bytes text);
void csv_finish(struct csv *c);
/* The next record. ERR_NOT_FOUND at the end; ERR_INVALID: fault says what is wrong with the record
 * at line. */
enum err MUST_CHECK csv_next(struct csv *c);

#endif
