/* Times as text: calculates in the proleptic Gregorian calendar, without the C library's time
 * zones. */
#include "base/clock.h"

#include <stdbool.h>

#define DAY_MS         86400000
#define DAYS_TO_EPOCH  719468            /* from 0000-03-01 to 1970-01-01 */
#define DAYS_PER_ERA   146097            /* 400 years */
#define TIME_OLDEST_MS (-62135596800000) /* 0001-01-01T00:00:00Z */
/* 9999-12-31T23:59:59.999Z: the last with a four-digit year */
#define TIME_NEWEST_MS 253402300799999

/* Years begin on 1 March, so that the leap day is a year's last day. */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

/* days: since 0000-03-01. */
static void date_of_days(uint32_t days, uint32_t *ret_year, uint32_t *ret_month, uint32_t *ret_day)
{
    uint32_t era = days / DAYS_PER_ERA;
    uint32_t day_of_era = days - era * DAYS_PER_ERA;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month_from_march = (5 * day_of_year + 2) / 153;
    uint32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    *ret_day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    *ret_month = month;
    *ret_year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Writes two decimal digits and the character that follows them. */
static char *put_two(char *at, uint32_t number, char after)
{
    at[0] = (char)('0' + number / 10);
    at[1] = (char)('0' + number % 10);
    at[2] = after;
    return at + 3;
}

char *time_format(unix_ms t, char text[TIME_TEXT_BYTES])
{
    t = t < TIME_OLDEST_MS ? TIME_OLDEST_MS : t;
    t = t > TIME_NEWEST_MS ? TIME_NEWEST_MS : t;
    int64_t in_day = t % DAY_MS;
    if (in_day < 0) {
        in_day += DAY_MS;
    }
    uint32_t year, month, day, ms = (uint32_t)in_day;
    date_of_days((uint32_t)((t - in_day) / DAY_MS + DAYS_TO_EPOCH), &year, &month, &day);
    (void)put_two(text, year / 100, '-');
    char *at = put_two(text + 2, year % 100, '-');
    at = put_two(at, month, '-');
    at = put_two(at, day, 'T');
    at = put_two(at, ms / 3600000, ':');
    at = put_two(at, ms / 60000 % 60, ':');
    at = put_two(at, ms / 1000 % 60, '.');
    *at = (char)('0' + ms % 1000 / 100);
    at = put_two(at + 1, ms % 100, 'Z');
    *at = '\0';
    return text;
}

/* Reads `count` digits from *at on; false if they are not all digits. */
static bool read_digits(struct bytes text, size_t *at, size_t count, int *ret_number)
{
    if (text.len - *at < count) {
        return false;
    }
    int number = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t c = text.ptr[*at + i];
        if (c < '0' || c > '9') {
            return false;
        }
        number = number * 10 + (c - '0');
    }
    *at += count;
    *ret_number = number;
    return true;
}

static bool read_char(struct bytes text, size_t *at, char a, char b)
{
    if (*at >= text.len || (text.ptr[*at] != (uint8_t)a && text.ptr[*at] != (uint8_t)b)) {
        return false;
    }
    (*at)++;
    return true;
}

static bool read_fraction(struct bytes text, size_t *at, int *ret_ms)
{
    int ms = 0, scale = 100;
    size_t from = *at;
    for (; *at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9'; (*at)++) {
        ms += (text.ptr[*at] - '0') * scale;
        scale /= 10; /* digits after the third are ignored */
    }
    *ret_ms = ms;
    return *at > from;
}

static bool read_zone(struct bytes text, size_t *at, int *ret_minutes)
{
    if (read_char(text, at, 'Z', 'z')) {
        *ret_minutes = 0;
        return true;
    }
    int sign = *at < text.len && text.ptr[*at] == '-' ? -1 : 1;
    int hours, minutes;
    if (!read_char(text, at, '+', '-') || !read_digits(text, at, 2, &hours) ||
        !read_char(text, at, ':', ':') || !read_digits(text, at, 2, &minutes) || hours > 23 ||
        minutes > 59) {
        return false;
    }
    *ret_minutes = sign * (hours * 60 + minutes);
    return true;
}

enum err time_parse(struct bytes text, unix_ms *ret_time)
{
    size_t at = 0;
    int year, month, day, hour, minute, second, ms = 0, zone;
    if (!read_digits(text, &at, 4, &year) || !read_char(text, &at, '-', '-') ||
        !read_digits(text, &at, 2, &month) || !read_char(text, &at, '-', '-') ||
        !read_digits(text, &at, 2, &day) || !read_char(text, &at, 'T', 't') ||
        !read_digits(text, &at, 2, &hour) || !read_char(text, &at, ':', ':') ||
        !read_digits(text, &at, 2, &minute) || !read_char(text, &at, ':', ':') ||
        !read_digits(text, &at, 2, &second)) {
        return ERR_INVALID;
    }
    if (read_char(text, &at, '.', '.') && !read_fraction(text, &at, &ms)) {
        return ERR_INVALID;
    }
    if (!read_zone(text, &at, &zone) || at != text.len) {
        return ERR_INVALID;
    }
    /* second 60 is a leap second: the same as second 0 of the next minute */
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour > 23 || minute > 59 || second > 60) {
        return ERR_INVALID;
    }
    int64_t seconds = ((int64_t)hour * 60 + minute - zone) * 60 + second;
    *ret_time = days_of_date(year, month, day) * DAY_MS + seconds * 1000 + ms;
    return ERR_OK;
}
