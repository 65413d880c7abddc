#include "base/metric_text.h"

#include <inttypes.h>

static void begin(struct metric_text *t, const char *name, const char *type, const char *help)
{
    buf_addf(t->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", t->prefix, name, help, t->prefix, name,
             type);
}

void metric_begin(struct metric_text *t, const char *name, const char *help)
{
    size_t len = strlen(name);
    bool counter = len > 6 && strcmp(name + len - 6, "_total") == 0;
    begin(t, name, counter ? "counter" : "gauge", help);
}

static void add_escaped(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            buf_add_str(out, "\\n");
            continue;
        }
        if (*text == '"' || *text == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, *text);
    }
}

void metric_labelled(struct metric_text *t, const char *name, const char *label, const char *value,
                     uint64_t number)
{
    buf_addf(t->out, "%s%s{%s=\"", t->prefix, name, label);
    add_escaped(t->out, value);
    buf_addf(t->out, "\"} %" PRIu64 "\n", number);
}

void metric_labelled_nano(struct metric_text *t, const char *name, const char *label,
                          const char *value, uint64_t nano)
{
    buf_addf(t->out, "%s%s{%s=\"", t->prefix, name, label);
    add_escaped(t->out, value);
    buf_addf(t->out, "\"} %" PRIu64 ".%09" PRIu64 "\n", nano / 1000000000, nano % 1000000000);
}

void metric_single(struct metric_text *t, const char *name, const char *help, uint64_t number)
{
    metric_begin(t, name, help);
    buf_addf(t->out, "%s%s %" PRIu64 "\n", t->prefix, name, number);
}

void metric_seconds(struct metric_text *t, const char *name, const char *help, double seconds)
{
    begin(t, name, "gauge", help);
    buf_addf(t->out, "%s%s %.3f\n", t->prefix, name, seconds);
}

void metric_histogram(struct metric_text *t, const char *name, const char *help,
                      const struct histogram *h)
{
    uint64_t count = 0;
    begin(t, name, "histogram", help);
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        count += h->counts[i];
        buf_addf(t->out, "%s%s_bucket{le=\"%g\"} %" PRIu64 "\n", t->prefix, name,
                 histogram_bound_s(i), count);
    }
    count += h->counts[HISTOGRAM_BOUNDS];
    buf_addf(t->out, "%s%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", t->prefix, name, count);
    buf_addf(t->out, "%s%s_sum %.6f\n", t->prefix, name, (double)h->sum_us / 1e6);
    buf_addf(t->out, "%s%s_count %" PRIu64 "\n", t->prefix, name, count);
}
