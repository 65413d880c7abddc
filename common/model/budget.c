#include "model/budget.h"

#include <stdio.h>
#include <stdlib.h>

#include "json/scan.h"

/* Upper bounds: far more than anybody has, and far below 2^63. */
#define COST_USD_MAX 1000000000u
#define TOKENS_MAX   1000000000000000u
#define ATTEMPTS_MAX 1000000000u

static bool fault(struct budget_fault *f, const char *field, const char *detail)
{
    (void)snprintf(f->field, sizeof f->field, "%s", field);
    (void)snprintf(f->detail, sizeof f->detail, "%s", detail);
    return false;
}

static bool dollars_read(struct bytes value, uint64_t *ret_nano, struct budget_fault *f)
{
    if (json_kind_of(value) != JSON_NUMBER ||
        !number_scaled(value, 9, (uint64_t)COST_USD_MAX * USD_NANO, ret_nano) || *ret_nano == 0) {
        return fault(f, "cost_usd",
                     "cost_usd must be a number of dollars from 0.000000001 to 1000000000");
    }
    return true;
}

static bool whole_read(struct bytes value, const char *name, uint64_t max, uint64_t *ret_number,
                       struct budget_fault *f)
{
    uint64_t thousandths = 0;
    if (json_kind_of(value) != JSON_NUMBER || !number_scaled(value, 3, max * 1000, &thousandths) ||
        thousandths == 0 || thousandths % 1000 != 0) {
        (void)snprintf(f->field, sizeof f->field, "%s", name);
        (void)snprintf(f->detail, sizeof f->detail, "%s must be a whole number from 1 to %llu",
                       name, (unsigned long long)max);
        return false;
    }
    *ret_number = thousandths / 1000;
    return true;
}

static bool member_read(struct bytes key, struct bytes value, bool with_steps, struct budget *b,
                        struct budget_fault *f)
{
    if (bytes_is(key, "cost_usd")) {
        return dollars_read(value, &b->cost_nano, f);
    }
    if (bytes_is(key, "tokens")) {
        return whole_read(value, "tokens", TOKENS_MAX, &b->tokens, f);
    }
    if (with_steps && bytes_is(key, "steps")) {
        return whole_read(value, "steps", ATTEMPTS_MAX, &b->steps, f);
    }
    (void)snprintf(f->field, sizeof f->field, "%.*s", (int)(key.len < 60 ? key.len : 60),
                   (const char *)key.ptr);
    (void)snprintf(f->detail, sizeof f->detail, "unknown field \"%.60s\"; %s", f->field,
                   with_steps ? "a budget has cost_usd, tokens and steps"
                              : "a cost has cost_usd and tokens");
    return false;
}

bool budget_read(struct bytes value, const char *what, struct budget *ret_budget,
                 struct budget_fault *ret_fault)
{
    struct budget b = {0};
    struct bytes key, member;
    bool with_steps = what[0] == 'b';
    char detail[160];
    (void)snprintf(detail, sizeof detail, "%s must be an object with one or more of cost_usd%s",
                   what, with_steps ? ", tokens and steps" : " and tokens");
    if (json_kind_of(value) != JSON_OBJECT) {
        return fault(ret_fault, "", detail);
    }
    for (struct json_walk w = json_walk(value); json_next(&w, &key, &member);) {
        if (!member_read(key, member, with_steps, &b, ret_fault)) {
            return false;
        }
    }
    if (budget_none(&b)) {
        return fault(ret_fault, "", detail);
    }
    if (json_duplicate_key(value).len > 0) {
        return fault(ret_fault, "", "a member is given twice");
    }
    *ret_budget = b;
    return true;
}

void budget_put(struct buf *out, const struct budget *b)
{
    const char *comma = "";
    buf_add_char(out, '{');
    if (b->cost_nano > 0) {
        buf_add_str(out, "\"cost_usd\":");
        usd_put(out, b->cost_nano);
        comma = ",";
    }
    if (b->tokens > 0) {
        buf_addf(out, "%s\"tokens\":%llu", comma, (unsigned long long)b->tokens);
        comma = ",";
    }
    if (b->steps > 0) {
        buf_addf(out, "%s\"steps\":%llu", comma, (unsigned long long)b->steps);
    }
    buf_add_char(out, '}');
}

/* Rounds down: 99.9 % is not 100. Nothing here overflows 2^64: limits are below 2^60, and the
 * amounts spent count up to 15 times as much. */
static unsigned percent_of(uint64_t limit, uint64_t spent)
{
    if (limit == 0) {
        return 0;
    }
    if (spent >= limit) {
        return 100;
    }
    return (unsigned)(limit > UINT64_MAX / 100 ? spent / (limit / 100) : spent * 100 / limit);
}

unsigned budget_percent(const struct budget *b, const struct budget *spent)
{
    unsigned most = percent_of(b->cost_nano, spent->cost_nano);
    unsigned tokens = percent_of(b->tokens, spent->tokens);
    unsigned steps = percent_of(b->steps, spent->steps);
    most = tokens > most ? tokens : most;
    return steps > most ? steps : most;
}
