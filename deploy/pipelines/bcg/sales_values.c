#include "bcg/sales.h"

#include <stdio.h>

#define AMOUNT_MAX   1e9
#define DECIMALS_MAX 9

static bool digits(struct bytes text, size_t from, size_t count, int32_t *ret_value)
{
    int32_t value = 0;
    for (size_t i = from; i < from + count; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        value = value * 10 + (text.ptr[i] - '0');
    }
    *ret_value = value;
    return true;
}

static int32_t month_days(int32_t year, int32_t month)
{
    static const int32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Years are counted from March, so that the leap day is the last of its year. */
static int32_t days_from_date(int32_t year, int32_t month, int32_t day)
{
    int32_t y = month <= 2 ? year - 1 : year;
    int32_t m = month <= 2 ? month + 9 : month - 3;
    int32_t since_march = (153 * m + 2) / 5 + day - 1;
    return 365 * y + y / 4 - y / 100 + y / 400 + since_march - 719468;
}

bool sales_parse_day(struct bytes text, int32_t *ret_day)
{
    int32_t year, month, day;
    if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-' || !digits(text, 0, 4, &year) ||
        !digits(text, 5, 2, &month) || !digits(text, 8, 2, &day)) {
        return false;
    }
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days(year, month)) {
        return false;
    }
    *ret_day = days_from_date(year, month, day);
    return true;
}

void sales_day_text(int32_t day, char text[11])
{
    int32_t year = 1970 + day / 366;
    while (days_from_date(year + 1, 1, 1) <= day) {
        year++;
    }
    int32_t month = 1;
    while (month < 12 && days_from_date(year, month + 1, 1) <= day) {
        month++;
    }
    int32_t of_month = day - days_from_date(year, month, 1) + 1;
    /* The bounds hold by construction; the compiler is shown them. */
    (void)snprintf(text, 11, "%04u-%02u-%02u", (unsigned)year % 10000u, (unsigned)month % 100u,
                   (unsigned)of_month % 100u);
}

bool sales_parse_amount(struct bytes text, double *ret_amount)
{
    double whole = 0, part = 0, scale = 1;
    size_t at = 0, before = 0, after = 0;
    for (; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++, before++) {
        whole = whole * 10 + (text.ptr[at] - '0');
        if (whole > AMOUNT_MAX) {
            return false;
        }
    }
    if (at < text.len && text.ptr[at] == '.') {
        for (at++; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++, after++) {
            part = part * 10 + (text.ptr[at] - '0');
            scale *= 10;
        }
        if (after == 0 || after > DECIMALS_MAX) {
            return false;
        }
    }
    if (before == 0 || at != text.len) {
        return false;
    }
    /* One division of exact integers: the double nearest to the decimal, as any other reader gets
     * it. */
    *ret_amount = (whole * scale + part) / scale;
    return true;
}
