#include "base/histogram.h"

#define MS  INT64_C(1000)
#define SEC INT64_C(1000000)

static const int64_t bounds_us[HISTOGRAM_BOUNDS] = {
    500,      1 * MS,   MS * 5 / 2, 5 * MS,     10 * MS,     25 * MS,     50 * MS,
    100 * MS, 250 * MS, 500 * MS,   1 * SEC,    SEC * 5 / 2, 5 * SEC,     10 * SEC,
    30 * SEC, 60 * SEC, 300 * SEC,  1800 * SEC, 7200 * SEC,  86400 * SEC,
};

void histogram_add_us(struct histogram *h, int64_t us)
{
    us = us < 0 ? 0 : us;
    size_t i = 0;
    while (i < HISTOGRAM_BOUNDS && us > bounds_us[i]) {
        i++;
    }
    h->counts[i]++;
    h->sum_us += (uint64_t)us;
}

double histogram_bound_s(size_t i)
{
    return (double)bounds_us[i] / (double)SEC;
}
