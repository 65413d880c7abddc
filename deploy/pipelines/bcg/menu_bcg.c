/* menu.bcg: from the sales of a restaurant to the growth-share matrix of its menu. A plugin: see
 * worker/plugin/marathon_plugin.h.
 *
 * input:  {"sales_csv": file, "window_days": 7..180 (30), "share_threshold": 0..1,
 * "growth_threshold": -1..10} results used: menu_extraction, for the place of each dish on the menu
 * result:
 * {"window","menu","thresholds","classes","dishes":[{"dish","class","share","growth","margin",...,"recommendation"}],"method"}
 */
#include <marathon_plugin.h>

#include <math.h>
#include <stdio.h>

#include "bcg/data_file.h"
#include "bcg/report.h"

#define WINDOW_DAYS_DEFAULT 30
#define WINDOW_DAYS_MIN     7
#define WINDOW_DAYS_MAX     180
#define MESSAGE_BYTES_MAX   1024

struct job {
    struct marathon_call *call;
    const struct doc_value *envelope;
    const char *sales_csv;
    int32_t window_days;
    struct matrix_options options;
    char message[MESSAGE_BYTES_MAX]; /* of the failure */
};

static const char *text_of(const struct doc_value *value)
{
    /* doc_string ends with a NUL; a NUL inside would cut the name, which then is another file's:
     * refused by the caller. */
    return (const char *)doc_string(value).ptr;
}

static enum err read_option(struct job *job, const char *field, double low, double high,
                            double *ret_value)
{
    const struct doc_value *value = doc_get(doc_get(job->envelope, "input"), field);
    if (value == NULL) {
        return ERR_OK;
    }
    if (doc_kind(value) != JSON_NUMBER ||
        !(doc_number(value) >= low && doc_number(value) <= high)) {
        (void)snprintf(job->message, sizeof job->message,
                       "input.%s: expected a number from %g to %g", field, low, high);
        return ERR_INVALID;
    }
    *ret_value = doc_number(value);
    return ERR_OK;
}

static enum err read_input(struct job *job)
{
    const struct doc_value *file = doc_get(doc_get(job->envelope, "input"), "sales_csv");
    struct bytes name = doc_string(file);
    if (file == NULL) {
        (void)snprintf(job->message, sizeof job->message, "input.sales_csv is missing");
        return ERR_INVALID;
    }
    if (doc_kind(file) != JSON_STRING || name.len == 0 || memchr(name.ptr, 0, name.len) != NULL) {
        (void)snprintf(job->message, sizeof job->message,
                       "input.sales_csv: expected the name of a file");
        return ERR_INVALID;
    }
    job->sales_csv = text_of(file);
    double window = WINDOW_DAYS_DEFAULT;
    job->options = (struct matrix_options){.share_threshold = NAN, .growth_threshold = NAN};
    enum err e = read_option(job, "window_days", WINDOW_DAYS_MIN, WINDOW_DAYS_MAX, &window);
    if (e == ERR_OK) {
        e = read_option(job, "share_threshold", 0, 1, &job->options.share_threshold);
    }
    if (e == ERR_OK) {
        e = read_option(job, "growth_threshold", -1, 10, &job->options.growth_threshold);
    }
    if (e == ERR_OK && window != floor(window)) {
        (void)snprintf(job->message, sizeof job->message,
                       "input.window_days: expected a whole number");
        e = ERR_INVALID;
    }
    job->window_days = (int32_t)window;
    return e;
}

static void tell_progress(void *ctx, double fraction)
{
    struct job *job = ctx;
    job->call->progress(job->call, 0.1 + 0.7 * fraction, "reading the sales");
}

static enum err compute(struct job *job, struct bytes csv, struct sales *sales, struct buf *out)
{
    struct sales_fault fault = {{0}};
    const struct sales_watch watch = {tell_progress, job};
    enum err e = sales_read(sales, csv, &watch, &fault);
    if (e == ERR_OK) {
        e = sales_sum(sales, job->window_days, &fault);
    }
    if (e != ERR_OK) {
        (void)snprintf(job->message, sizeof job->message, "%.500s: %s", job->sales_csv, fault.text);
        return e;
    }
    struct matrix matrix;
    e = matrix_make(&matrix, sales, &job->options);
    if (e != ERR_OK) {
        (void)snprintf(job->message, sizeof job->message,
                       "%.500s: nothing was sold in its last %d days", job->sales_csv,
                       job->window_days);
        return e;
    }
    job->call->progress(job->call, 0.9, "classifying");
    const struct doc_value *results = doc_get(job->envelope, "results");
    const struct report_source source = {
        .sales = sales,
        .window_days = job->window_days,
        .menu = doc_get(doc_get(results, "menu_extraction"), "dishes"),
    };
    report_write(&matrix, &source, out);
    matrix_finish(&matrix);
    return ERR_OK;
}

static enum err analyse(struct job *job, struct buf *out)
{
    enum err e = read_input(job);
    if (e != ERR_OK) {
        return e;
    }
    job->call->progress(job->call, 0.05, "opening the sales");
    struct buf csv = {0};
    struct data_fault fault = {{0}};
    e = data_file_read(job->sales_csv, &csv, &fault);
    if (e != ERR_OK) {
        (void)snprintf(job->message, sizeof job->message, "input.sales_csv: %s", fault.text);
    } else {
        struct sales sales = {0};
        e = compute(job, buf_bytes(&csv), &sales, out);
        sales_finish(&sales);
    }
    buf_free(&csv);
    return e;
}

static void put_effect_field(struct buf *line, const struct doc_value *value, char behind)
{
    if (doc_is_int(value)) {
        buf_addf(line, "%lld", (long long)doc_int(value));
    } else {
        buf_add_bytes(line, value != NULL ? doc_string(value) : bytes_str("-"));
    }
    buf_add_char(line, behind);
}

static enum err log_effect(struct job *job)
{
    struct buf line = {0};
    put_effect_field(&line, doc_get(job->envelope, "task_id"), ' ');
    put_effect_field(&line, doc_get(job->envelope, "step_id"), ' ');
    put_effect_field(&line, doc_get(job->envelope, "attempt"), ' ');
    put_effect_field(&line, doc_get(job->envelope, "idempotency_key"), '\n');
    enum err e = effects_log_add(buf_bytes(&line));
    buf_free(&line);
    if (e != ERR_OK) {
        (void)snprintf(job->message, sizeof job->message, "MARATHON_EFFECTS_LOG cannot be written");
    }
    return e;
}

static int run_bcg(struct marathon_call *call)
{
    struct doc *doc;
    struct doc_fault fault;
    if (doc_parse(bytes_of(call->envelope, call->envelope_len), &doc, &fault) != ERR_OK) {
        return call->fail(call, "the envelope is not JSON", 1);
    }
    struct job job = {.call = call, .envelope = doc_root(doc)};
    struct buf result = {0};
    enum err e = analyse(&job, &result);
    if (e == ERR_OK) {
        e = log_effect(&job);
    }
    int returned;
    if (e == ERR_OK) {
        returned = call->complete(call, buf_cstr(&result), result.len);
    } else {
        returned = call->fail(call, job.message, e != ERR_UNAVAILABLE);
    }
    buf_free(&result);
    doc_free(doc);
    return returned;
}

static const struct marathon_function functions[] = {{"menu.bcg", run_bcg}, {NULL, NULL}};

__attribute__((visibility("default")))
const struct marathon_plugin marathon_plugin = {MARATHON_PLUGIN_ABI, "menu_bcg", functions};
