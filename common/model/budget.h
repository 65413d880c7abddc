/* What a task may spend, and what a step is expected to cost. Pure. */
#ifndef MARATHON_MODEL_BUDGET_H
#define MARATHON_MODEL_BUDGET_H

#include "model/usage.h"

/* 0 = no limit (in a step's cost: not given). steps: finished attempts, those of items included. */
struct budget {
    uint64_t cost_nano, tokens, steps;
};

/* What is wrong: the member's name ("" = the whole), and what would be right. */
struct budget_fault {
    char field[64];
    char detail[200];
};

static inline bool budget_none(const struct budget *b)
{
    return b->cost_nano == 0 && b->tokens == 0 && b->steps == 0;
}

/* Reads a JSON value that json_check accepted: {"cost_usd"?, "tokens"?, "steps"?}, at least one of
 * them. what: "budget" or "cost", for error texts; a cost has no steps. False: ret_fault is filled
 * in. */
bool budget_read(struct bytes value, const char *what, struct budget *ret_budget,
                 struct budget_fault *ret_fault);
/* Appends {...} with the limits that are set. */
void budget_put(struct buf *out, const struct budget *b);

/* Percentage spent, of the dimension with the highest one: at 100 no further step may begin. 0 if
 * there is no limit. */
unsigned budget_percent(const struct budget *b, const struct budget *spent);

#endif
