#include "bcg/csv.h"

void csv_init(struct csv *c, struct bytes text)
{
    *c = (struct csv){.text = text, .next_line = 1};
    if (text.len >= 3 && memcmp(text.ptr, "\xEF\xBB\xBF", 3) == 0) {
        c->at = 3;
    }
}

void csv_finish(struct csv *c)
{
    buf_free(&c->plain);
}

static bool at_end(const struct csv *c)
{
    return c->at >= c->text.len;
}

/* CR only counts as a line's end before LF. */
static bool at_line_end(const struct csv *c)
{
    uint8_t byte = c->text.ptr[c->at];
    return byte == '\n' ||
           (byte == '\r' && c->at + 1 < c->text.len && c->text.ptr[c->at + 1] == '\n');
}

static void skip_line_end(struct csv *c)
{
    c->at += c->text.ptr[c->at] == '\r' ? 2 : 1;
    c->next_line++;
}

static enum err fault(struct csv *c, const char *reason)
{
    c->fault = reason;
    return ERR_INVALID;
}

static enum err add_byte(struct csv *c)
{
    if (c->plain.len >= CSV_RECORD_BYTES_MAX) {
        return fault(c, "the record is longer than 64 KiB; is a quote not closed?");
    }
    buf_add_char(&c->plain, (char)c->text.ptr[c->at++]);
    return ERR_OK;
}

/* Behind the opening quote. Ends behind the closing one. */
static enum err read_quoted(struct csv *c)
{
    while (!at_end(c)) {
        uint8_t byte = c->text.ptr[c->at];
        if (byte == '"') {
            c->at++;
            if (at_end(c) || c->text.ptr[c->at] != '"') {
                return ERR_OK;
            }
        } else if (byte == '\n') {
            c->next_line++;
        }
        enum err e = add_byte(c);
        if (e != ERR_OK) {
            return e;
        }
    }
    return fault(c, "a quote is not closed");
}

static enum err read_field(struct csv *c)
{
    if (!at_end(c) && c->text.ptr[c->at] == '"') {
        c->at++;
        enum err e = read_quoted(c);
        if (e != ERR_OK) {
            return e;
        }
        if (!at_end(c) && c->text.ptr[c->at] != ',' && !at_line_end(c)) {
            return fault(c, "text behind a closing quote");
        }
        return ERR_OK;
    }
    while (!at_end(c) && c->text.ptr[c->at] != ',' && !at_line_end(c)) {
        enum err e = add_byte(c);
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}

/* The buffer moves while it grows, so the slices are made from the ends when the record is
 * complete. */
static void slice_fields(struct csv *c, const size_t *ends)
{
    size_t from = 0;
    for (size_t i = 0; i < c->field_count; i++) {
        c->fields[i] = bytes_part(buf_bytes(&c->plain), from, ends[i] - from);
        from = ends[i];
    }
}

enum err csv_next(struct csv *c)
{
    size_t ends[CSV_FIELDS_MAX];
    while (!at_end(c) && at_line_end(c)) {
        skip_line_end(c);
    }
    if (at_end(c)) {
        return ERR_NOT_FOUND;
    }
    buf_clear(&c->plain);
    c->field_count = 0;
    c->line = c->next_line;
    for (;;) {
        if (c->field_count == CSV_FIELDS_MAX) {
            return fault(c, "more than 64 fields");
        }
        enum err e = read_field(c);
        if (e != ERR_OK) {
            return e;
        }
        ends[c->field_count++] = c->plain.len;
        if (at_end(c)) {
            break;
        }
        if (c->text.ptr[c->at] != ',') {
            skip_line_end(c);
            break;
        }
        c->at++;
    }
    slice_fields(c, ends);
    return ERR_OK;
}
