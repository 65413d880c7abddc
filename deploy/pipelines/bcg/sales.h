/* What was sold: the rows of a sales file, summed per dish over two windows of days. Pure.
 *
 * The file has a header with the columns date (YYYY-MM-DD), dish, quantity, unit_price and perhaps
 * unit_cost, in any order; item or product stand for dish, qty for quantity, price and cost for the
 * unit's. Other columns are ignored. */
#ifndef MARATHON_BCG_SALES_H
#define MARATHON_BCG_SALES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/map.h"

#define SALES_ROWS_MAX       2000000u /* years of a chain's days and dishes; about 64 MB in memory */
#define SALES_DISHES_MAX     5000u    /* a result with more would pass 1 MiB */
#define SALES_DISH_BYTES_MAX 200u

struct sales_totals {
    double quantity;
    double revenue;
    double cost;
    bool cost_known; /* of every row in the window */
};

struct sales_dish {
    char *name;
    struct sales_totals recent; /* the last window_days of the file */
    struct sales_totals before; /* as many days before them */
};

struct sales_row {
    uint32_t dish;
    int32_t day;
    double quantity, price, cost; /* cost < 0: not given */
};

struct sales {
    struct sales_dish *dishes; /* in the order of the file */
    size_t dish_count, dish_cap;
    struct map by_name; /* name -> index + 1 as a pointer */
    struct sales_row *rows;
    size_t row_count, row_cap;
    int32_t first_day, last_day; /* days since 1970-01-01 */
};

struct sales_fault {
    char text[256]; /* for people: which line, what is wrong */
};

/* Called now and then while reading; fraction 0..1. */
struct sales_watch {
    void (*progress)(void *ctx, double fraction);
    void *ctx;
};

/* Reads all rows. watch may be NULL. ERR_INVALID or ERR_TOO_LARGE with a fault. Free with
 * sales_finish in any case. */
enum err MUST_CHECK sales_read(struct sales *s, struct bytes text, const struct sales_watch *watch,
                               struct sales_fault *ret_fault);
/* Sums the two windows. ERR_INVALID where the file covers fewer than 2 * window_days days. */
enum err MUST_CHECK sales_sum(struct sales *s, int32_t window_days, struct sales_fault *ret_fault);
void sales_finish(struct sales *s);

/* "2026-01-31" to days since 1970-01-01; false where it is no date from 1970 to 9999. */
bool sales_parse_day(struct bytes text, int32_t *ret_day);
/* The reverse, into 11 bytes. */
void sales_day_text(int32_t day, char text[11]);
/* A decimal number >= 0 with a point, at most 1e9, whatever the locale; false where it is none. */
bool sales_parse_amount(struct bytes text, double *ret_amount);

#endif
