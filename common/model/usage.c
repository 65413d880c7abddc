#include "model/usage.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "json/scan.h"

/* Length of the longest prefix of text with at most max bytes that ends between characters. */
static size_t utf8_cut(struct bytes text, size_t max)
{
    size_t at = 0;
    while (at < text.len) {
        size_t n = utf8_sequence(text.ptr + at, text.ptr + text.len);
        if (n == 0 || at + n > max) {
            break;
        }
        at += n;
    }
    return at;
}

void usage_free(struct usage *u)
{
    for (uint32_t i = 0; i < u->count; i++) {
        bytes_free(u->parts[i].model);
    }
    free(u->parts);
    *u = (struct usage){0};
}

static struct usage_part *part_find(struct usage *u, struct bytes model)
{
    for (uint32_t i = 0; i < u->count; i++) {
        if (bytes_eq(u->parts[i].model, model)) {
            return &u->parts[i];
        }
    }
    return NULL;
}

static struct usage_part *part_of(struct usage *u, struct bytes model)
{
    struct usage_part *p = part_find(u, model);
    if (p == NULL && u->count >= USAGE_MODELS_MAX - 1) {
        model = BYTES_LIT(USAGE_OTHER);
        p = part_find(u, model);
    }
    if (p == NULL) {
        u->parts = mem_resize(u->parts, (u->count + 1) * sizeof *u->parts);
        p = &u->parts[u->count++];
        *p = (struct usage_part){.model = bytes_of(mem_str_bytes(model), model.len)};
    }
    return p;
}

static uint64_t sum_of(uint64_t a, uint64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

void usage_sum_add(struct usage_sum *to, const struct usage_sum *more)
{
    to->input_tokens = sum_of(to->input_tokens, more->input_tokens);
    to->output_tokens = sum_of(to->output_tokens, more->output_tokens);
    to->cost_nano = sum_of(to->cost_nano, more->cost_nano);
}

void usage_add(struct usage *u, struct bytes model, const struct usage_sum *sum)
{
    usage_sum_add(&part_of(u, model)->sum, sum);
}

static uint64_t raise_one(uint64_t *known, uint64_t said, uint64_t max)
{
    said = said < max ? said : max;
    uint64_t more = said > *known ? said - *known : 0;
    *known += more;
    return more;
}

bool usage_raise(struct usage *u, const struct usage_part *said, struct usage_sum *ret_more)
{
    if (usage_sum_none(&said->sum)) {
        return false;
    }
    struct usage_sum *known = &part_of(u, said->model)->sum;
    struct usage_sum more = {
        raise_one(&known->input_tokens, said->sum.input_tokens, USAGE_TOKENS_MAX),
        raise_one(&known->output_tokens, said->sum.output_tokens, USAGE_TOKENS_MAX),
        raise_one(&known->cost_nano, said->sum.cost_nano, USAGE_COST_NANO_MAX)};
    *ret_more = more;
    return !usage_sum_none(&more);
}

struct usage_sum usage_total(const struct usage *u)
{
    struct usage_sum total = {0};
    for (uint32_t i = 0; i < u->count; i++) {
        usage_sum_add(&total, &u->parts[i].sum);
    }
    return total;
}

/* ---- reading ---- */

/* more than a uint64_t can have: further digits cannot change the result */
#define DIGITS_KEPT 40

/* A decimal number: its digits without leading zeros, times 10^power. */
struct decimal {
    uint8_t digits[DIGITS_KEPT];
    unsigned count;
    int power;
};

static void decimal_read(struct bytes number, struct decimal *d)
{
    bool fraction = false;
    size_t i = 0;
    for (; i < number.len && number.ptr[i] != 'e' && number.ptr[i] != 'E'; i++) {
        uint8_t c = number.ptr[i];
        if (c == '.') {
            fraction = true;
        } else if (d->count < DIGITS_KEPT && (d->count > 0 || c != '0')) {
            d->digits[d->count++] = (uint8_t)(c - '0');
            d->power -= fraction;
        } else {
            d->power += d->count == DIGITS_KEPT && !fraction;
            d->power -= d->count == 0 && fraction;
        }
    }
    int power = 0;
    bool down = i + 1 < number.len && number.ptr[i + 1] == '-';
    for (i++; i < number.len; i++) {
        if (number.ptr[i] >= '0' && power < 100000) {
            power = power * 10 + (number.ptr[i] - '0');
        }
    }
    d->power += down ? -power : power;
}

bool number_scaled(struct bytes number, unsigned digits, uint64_t max, uint64_t *ret_value)
{
    struct decimal d = {.power = (int)digits};
    if (number.len == 0 || number.ptr[0] == '-') {
        return false;
    }
    decimal_read(number, &d);
    uint64_t value = 0;
    int whole = (int)d.count + d.power; /* digits before the point */
    for (int i = 0; i < whole && d.count > 0; i++) {
        uint64_t digit = i < (int)d.count ? d.digits[i] : 0;
        if (value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (whole >= 0 && whole < (int)d.count && d.digits[whole] >= 5) {
        value++;
    }
    if (value > max) {
        return false;
    }
    *ret_value = value;
    return true;
}

/* Also true if the member is missing. */
static bool member_read(struct bytes object, const char *name, unsigned digits, uint64_t max,
                        uint64_t *ret_value)
{
    struct bytes value = json_member(object, name);
    return value.len == 0 ||
           (json_kind_of(value) == JSON_NUMBER && number_scaled(value, digits, max, ret_value));
}

bool usage_read(struct bytes object, struct buf *text, struct usage_part *ret_part)
{
    struct usage_part p = {.model = BYTES_LIT("unknown")};
    struct bytes model = json_member(object, "model");
    if (!member_read(object, "input_tokens", 0, USAGE_TOKENS_MAX, &p.sum.input_tokens) ||
        !member_read(object, "output_tokens", 0, USAGE_TOKENS_MAX, &p.sum.output_tokens) ||
        !member_read(object, "cost_usd", 9, USAGE_COST_NANO_MAX, &p.sum.cost_nano) ||
        (model.len > 0 && json_kind_of(model) != JSON_STRING && json_kind_of(model) != JSON_NULL)) {
        return false;
    }
    if (model.len > 2 && json_kind_of(model) == JSON_STRING) {
        buf_clear(text);
        json_unquote(model, text);
        text->len = utf8_cut(buf_bytes(text), USAGE_MODEL_BYTES_MAX);
        for (size_t i = 0; i < text->len; i++) {
            text->ptr[i] = text->ptr[i] < 0x20 || text->ptr[i] == 0x7f ? '?' : text->ptr[i];
        }
        p.model = buf_bytes(text);
    }
    *ret_part = p;
    return true;
}

/* ---- writing ---- */

void usd_put(struct buf *out, uint64_t nano)
{
    uint64_t fraction = nano % USD_NANO;
    buf_addf(out, "%" PRIu64, nano / USD_NANO);
    if (fraction == 0) {
        return;
    }
    int digits = 9;
    for (; fraction % 10 == 0; digits--) {
        fraction /= 10;
    }
    buf_addf(out, ".%0*" PRIu64, digits, fraction);
}

void usage_sum_put(struct buf *out, const struct usage_sum *s)
{
    buf_addf(out, "\"input_tokens\":%" PRIu64 ",\"output_tokens\":%" PRIu64 ",\"cost_usd\":",
             s->input_tokens, s->output_tokens);
    usd_put(out, s->cost_nano);
}
