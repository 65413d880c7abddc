/* What attempts have used: tokens, and money in billionths of a dollar (integers, so that sums are
 * exact). A report is {"model"?: text, "input_tokens"?: n, "output_tokens"?: n, "cost_usd"?: n};
 * reports of one model add up. Pure. */
#ifndef MARATHON_MODEL_USAGE_H
#define MARATHON_MODEL_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "model/limits.h"

#define USD_NANO 1000000000u /* billionths in a dollar */

struct usage_sum {
    uint64_t input_tokens, output_tokens, cost_nano;
};

/* Usage of one model. */
struct usage_part {
    struct bytes model;
    struct usage_sum sum;
};

/* Usage by model: at most USAGE_MODELS_MAX parts, of which the last one ("other") sums up all
 * further models. Owns the models' names. Zero-initialise; usage_free when done. */
struct usage {
    struct usage_part *parts;
    uint32_t count;
};

void usage_free(struct usage *u);
/* Adds to the model's sums, which saturate at their bounds. */
void usage_add(struct usage *u, struct bytes model, const struct usage_sum *sum);
/* Raises the model's known sums to a reported running total, field by field: a report that comes
 * twice, or out of order, adds nothing. *ret_more: by how much. False where nothing is new. */
bool usage_raise(struct usage *u, const struct usage_part *said, struct usage_sum *ret_more);
struct usage_sum usage_total(const struct usage *u);
void usage_sum_add(struct usage_sum *to, const struct usage_sum *more);
static inline bool usage_sum_none(const struct usage_sum *s)
{
    return s->input_tokens == 0 && s->output_tokens == 0 && s->cost_nano == 0;
}
static inline uint64_t usage_tokens(const struct usage_sum *s)
{
    return s->input_tokens + s->output_tokens;
}

/* Reads a report from a JSON object that json_check accepted. The model's name is decoded into text
 * and made fit for a label: at most USAGE_MODEL_BYTES_MAX, no control characters; "unknown" if
 * there is none. False: a value is negative, too large, or not a number. */
bool usage_read(struct bytes object, struct buf *text, struct usage_part *ret_part);
/* Multiplies a JSON number by 10^digits and rounds it to the nearest integer, exactly. False where
 * it is negative or over max. */
bool number_scaled(struct bytes number, unsigned digits, uint64_t max, uint64_t *ret_value);
/* Appends dollars as a JSON number: 0.5, 12, 0.000000001. */
void usd_put(struct buf *out, uint64_t nano);
/* Appends "input_tokens":..,"output_tokens":..,"cost_usd":.. */
void usage_sum_put(struct buf *out, const struct usage_sum *s);

#endif
