/* The Prometheus text format (0.0.4), for /metrics of every role. Names are given without the
 * role's prefix; a name ending in _total is a counter, any other a gauge. Label values come from
 * fixed sets: never a task's id. Pure. */
#ifndef MARATHON_BASE_METRIC_TEXT_H
#define MARATHON_BASE_METRIC_TEXT_H

#include "base/bytes.h"
#include "base/histogram.h"

#define METRIC_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metric_text {
    struct buf *out;
    const char *prefix; /* "marathon_worker_" */
};

/* Appends HELP and TYPE of a metric; its values follow. help: one line without backslashes. */
void metric_begin(struct metric_text *t, const char *name, const char *help);
/* Appends one value of it; the label's value may be any bytes. */
void metric_labelled(struct metric_text *t, const char *name, const char *label, const char *value,
                     uint64_t number);
/* nano: in billionths; written as a decimal number. */
void metric_labelled_nano(struct metric_text *t, const char *name, const char *label,
                          const char *value, uint64_t nano);
/* A metric with a single value. */
void metric_single(struct metric_text *t, const char *name, const char *help, uint64_t number);
/* A gauge of seconds. */
void metric_seconds(struct metric_text *t, const char *name, const char *help, double seconds);
/* name must end in _seconds. */
void metric_histogram(struct metric_text *t, const char *name, const char *help,
                      const struct histogram *h);

#endif
