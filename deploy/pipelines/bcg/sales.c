#include "bcg/sales.h"

#include <stdio.h>
#include <stdlib.h>

#include "bcg/csv.h"

enum column { COLUMN_DATE, COLUMN_DISH, COLUMN_QUANTITY, COLUMN_PRICE, COLUMN_COST, COLUMN_COUNT };

#define COLUMN_ABSENT  SIZE_MAX
#define PROGRESS_EVERY 4096u /* rows */

/* The names that a column may have, the first one being the proper one. */
static const char *const column_names[COLUMN_COUNT][4] = {
    [COLUMN_DATE] = {"date", "day", NULL, NULL},
    [COLUMN_DISH] = {"dish", "item", "product", NULL},
    [COLUMN_QUANTITY] = {"quantity", "qty", NULL, NULL},
    [COLUMN_PRICE] = {"unit_price", "price", NULL, NULL},
    [COLUMN_COST] = {"unit_cost", "cost", NULL, NULL},
};

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text = bytes_part(text, 1, text.len - 1);
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

static bool same_letters(struct bytes text, const char *name)
{
    if (text.len != strlen(name)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != (uint8_t)name[i]) {
            return false;
        }
    }
    return true;
}

static bool is_column(struct bytes text, enum column column)
{
    for (size_t i = 0; i < 4 && column_names[column][i] != NULL; i++) {
        if (same_letters(text, column_names[column][i])) {
            return true;
        }
    }
    return false;
}

static enum err read_header(struct csv *csv, size_t columns[COLUMN_COUNT],
                            struct sales_fault *ret_fault)
{
    enum err e = csv_next(csv);
    if (e != ERR_OK) {
        (void)snprintf(ret_fault->text, sizeof ret_fault->text, "%s",
                       e == ERR_NOT_FOUND ? "the file is empty" : csv->fault);
        return ERR_INVALID;
    }
    for (enum column c = 0; c < COLUMN_COUNT; c++) {
        columns[c] = COLUMN_ABSENT;
        for (size_t i = 0; i < csv->field_count && columns[c] == COLUMN_ABSENT; i++) {
            columns[c] = is_column(trim(csv->fields[i]), c) ? i : COLUMN_ABSENT;
        }
        if (columns[c] == COLUMN_ABSENT && c != COLUMN_COST) {
            (void)snprintf(ret_fault->text, sizeof ret_fault->text,
                           "the header has no column \"%s\"", column_names[c][0]);
            return ERR_INVALID;
        }
    }
    return ERR_OK;
}

static enum err bad_field(const struct csv *csv, enum column column, struct bytes value,
                          struct sales_fault *ret_fault)
{
    static const char *const wanted[COLUMN_COUNT] = {
        [COLUMN_DATE] = "a date like 2026-01-31",
        [COLUMN_DISH] = "a name of 1 to 200 bytes",
        [COLUMN_QUANTITY] = "a number from 0 to 1000000000",
        [COLUMN_PRICE] = "a number from 0 to 1000000000",
        [COLUMN_COST] = "a number from 0 to 1000000000, or nothing",
    };
    (void)snprintf(ret_fault->text, sizeof ret_fault->text, "line %u: %s \"%.*s\" is not %s",
                   csv->line, column_names[column][0], value.len > 60 ? 60 : (int)value.len,
                   value.ptr == NULL ? "" : (const char *)value.ptr, wanted[column]);
    return ERR_INVALID;
}

/* Index of the dish of that name, made where it is new. */
static enum err dish_index(struct sales *s, struct bytes name, uint32_t *ret_index)
{
    void *known = map_get(&s->by_name, name);
    if (known != NULL) {
        *ret_index = (uint32_t)((uintptr_t)known - 1);
        return ERR_OK;
    }
    if (s->dish_count == SALES_DISHES_MAX) {
        return ERR_TOO_LARGE;
    }
    MEM_GROW(s->dishes, s->dish_count, s->dish_cap);
    s->dishes[s->dish_count] = (struct sales_dish){.name = mem_str_bytes(name)};
    /* The index travels as a pointer that is never followed; + 1 keeps it from NULL. */
    (void)map_put(&s->by_name, bytes_str(s->dishes[s->dish_count].name),
                  (void *)(uintptr_t)(s->dish_count + 1));
    *ret_index = (uint32_t)s->dish_count++;
    return ERR_OK;
}

static enum err read_row(struct sales *s, const struct csv *csv, const size_t columns[COLUMN_COUNT],
                         struct sales_fault *ret_fault)
{
    struct bytes field[COLUMN_COUNT];
    struct sales_row row = {.cost = -1};
    for (enum column c = 0; c < COLUMN_COUNT; c++) {
        bool there = columns[c] < csv->field_count;
        if (!there && c != COLUMN_COST) {
            (void)snprintf(ret_fault->text, sizeof ret_fault->text,
                           "line %u: has %zu fields, the column %s is missing", csv->line,
                           csv->field_count, column_names[c][0]);
            return ERR_INVALID;
        }
        field[c] = there ? trim(csv->fields[columns[c]]) : BYTES_NONE;
    }
    if (!sales_parse_day(field[COLUMN_DATE], &row.day)) {
        return bad_field(csv, COLUMN_DATE, field[COLUMN_DATE], ret_fault);
    }
    if (field[COLUMN_DISH].len == 0 || field[COLUMN_DISH].len > SALES_DISH_BYTES_MAX) {
        return bad_field(csv, COLUMN_DISH, field[COLUMN_DISH], ret_fault);
    }
    if (!sales_parse_amount(field[COLUMN_QUANTITY], &row.quantity)) {
        return bad_field(csv, COLUMN_QUANTITY, field[COLUMN_QUANTITY], ret_fault);
    }
    if (!sales_parse_amount(field[COLUMN_PRICE], &row.price)) {
        return bad_field(csv, COLUMN_PRICE, field[COLUMN_PRICE], ret_fault);
    }
    if (field[COLUMN_COST].len > 0 && !sales_parse_amount(field[COLUMN_COST], &row.cost)) {
        return bad_field(csv, COLUMN_COST, field[COLUMN_COST], ret_fault);
    }
    if (s->row_count == SALES_ROWS_MAX || dish_index(s, field[COLUMN_DISH], &row.dish) != ERR_OK) {
        (void)snprintf(ret_fault->text, sizeof ret_fault->text,
                       "line %u: more than %u rows or %u dishes", csv->line, SALES_ROWS_MAX,
                       SALES_DISHES_MAX);
        return ERR_TOO_LARGE;
    }
    MEM_GROW(s->rows, s->row_count, s->row_cap);
    s->rows[s->row_count++] = row;
    return ERR_OK;
}

static enum err read_rows(struct sales *s, struct csv *csv, const struct sales_watch *watch,
                          struct sales_fault *ret_fault)
{
    size_t columns[COLUMN_COUNT];
    enum err e = read_header(csv, columns, ret_fault);
    if (e != ERR_OK) {
        return e;
    }
    while ((e = csv_next(csv)) == ERR_OK) {
        e = read_row(s, csv, columns, ret_fault);
        if (e != ERR_OK) {
            return e;
        }
        if (watch != NULL && s->row_count % PROGRESS_EVERY == 0) {
            watch->progress(watch->ctx, (double)csv->at / (double)csv->text.len);
        }
    }
    if (e != ERR_NOT_FOUND) {
        (void)snprintf(ret_fault->text, sizeof ret_fault->text, "line %u: %s", csv->line,
                       csv->fault);
        return e;
    }
    if (s->row_count == 0) {
        (void)snprintf(ret_fault->text, sizeof ret_fault->text, "no rows behind the header");
        return ERR_INVALID;
    }
    return ERR_OK;
}

enum err sales_read(struct sales *s, struct bytes text, const struct sales_watch *watch,
                    struct sales_fault *ret_fault)
{
    struct csv csv;
    *s = (struct sales){0};
    csv_init(&csv, text);
    enum err e = read_rows(s, &csv, watch, ret_fault);
    csv_finish(&csv);
    if (e != ERR_OK) {
        return e;
    }
    s->first_day = s->last_day = s->rows[0].day;
    for (size_t i = 1; i < s->row_count; i++) {
        s->first_day = s->rows[i].day < s->first_day ? s->rows[i].day : s->first_day;
        s->last_day = s->rows[i].day > s->last_day ? s->rows[i].day : s->last_day;
    }
    return ERR_OK;
}

static void add_row(struct sales_totals *totals, const struct sales_row *row)
{
    totals->quantity += row->quantity;
    totals->revenue += row->quantity * row->price;
    totals->cost += row->cost < 0 ? 0 : row->quantity * row->cost;
    totals->cost_known = totals->cost_known && row->cost >= 0;
}

enum err sales_sum(struct sales *s, int32_t window_days, struct sales_fault *ret_fault)
{
    int32_t covered = s->last_day - s->first_day + 1;
    if (covered < 2 * window_days) {
        (void)snprintf(ret_fault->text, sizeof ret_fault->text,
                       "covers %d days; comparing two windows of %d days needs %d", covered,
                       window_days, 2 * window_days);
        return ERR_INVALID;
    }
    for (size_t i = 0; i < s->dish_count; i++) {
        s->dishes[i].recent = (struct sales_totals){.cost_known = true};
        s->dishes[i].before = (struct sales_totals){.cost_known = true};
    }
    for (size_t i = 0; i < s->row_count; i++) {
        const struct sales_row *row = &s->rows[i];
        int32_t age = s->last_day - row->day;
        if (age < window_days) {
            add_row(&s->dishes[row->dish].recent, row);
        } else if (age < 2 * window_days) {
            add_row(&s->dishes[row->dish].before, row);
        }
    }
    return ERR_OK;
}

void sales_finish(struct sales *s)
{
    for (size_t i = 0; i < s->dish_count; i++) {
        free(s->dishes[i].name);
    }
    free(s->dishes);
    free(s->rows);
    map_free(&s->by_name);
    *s = (struct sales){0};
}
