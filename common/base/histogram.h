/* Histograms of durations for /metrics, with fixed bounds from half a millisecond to a day. All
 * have the same bounds, so that they can be compared and added. Pure. */
#ifndef MARATHON_BASE_HISTOGRAM_H
#define MARATHON_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS 20

/* Zero-initialise it. */
struct histogram {
    uint64_t
        /* count per bound, not cumulative; the last: above all bounds */
        counts[HISTOGRAM_BOUNDS + 1];
    uint64_t sum_us;
};

void histogram_add_us(struct histogram *h, int64_t us); /* less than 0 counts as 0 */
double histogram_bound_s(size_t i);                     /* upper bound, inclusive */

#endif
