/* Fan-out steps in plans: where their lists come from, and functions that treat items differently.
 * The audit (audit_fan.c) knows the lists. */
#include <stdio.h>

#include "world.h"

/* By an item's number and delivery: "patchy" fails every fourth item for good until a recover or a
 * resume begins it anew; "mine" kills the worker of every fifth, two times out of three. */
bool item_fails(const char *function, uint32_t item, uint32_t delivery, bool *ret_permanent)
{
    bool fails = strcmp(function, "patchy") == 0 && item % 4 == 2 && delivery == 0;
    *ret_permanent = *ret_permanent || fails;
    return fails;
}

bool item_kills(const char *function, uint32_t item, uint32_t delivery)
{
    return strcmp(function, "mine") == 0 && item % 5 == 1 && delivery % 3 != 2;
}

/* of: an earlier step, UINT64_MAX: none is certain to exist. */
static size_t plan_list(struct world *w, char *out, size_t room, uint64_t of)
{
    if (of != UINT64_MAX && one_in(w, 3)) {
        unsigned long long k = of;
        return (size_t)snprintf(
            out, room, "\"for_each\":\"[steps.s%llu.result.by, 2, steps.s%llu.result.by]\"", k, k);
    }
    return (size_t)snprintf(out, room, "\"for_each\":\"${input.%s}\"",
                            one_in(w, 12) ? "none" : "few");
}

size_t plan_fan(struct world *w, char *out, size_t room, const char *function, uint64_t of)
{
    static const char *const tolerates[] = {"0", "1", "2", "\"30%\""};
    size_t at = 0;
    bool many = one_in(w, 4); /* none of which takes long */
    /* they must not kill either, or workers would be away for minutes */
    bool hundreds = many && w->many > 100;
    if (many || one_in(w, 2)) {
        function = one_in(w, 3) ? "quick" : one_in(w, 2) || hundreds ? "patchy" : "mine";
    }
    at += (size_t)snprintf(out, room, "\"function\":\"%s\",", function);
    at += many ? (size_t)snprintf(out + at, room - at, "\"for_each\":\"${input.many}\"")
               : plan_list(w, out + at, room - at, of);
    int parallel = many ? 3 + (int)chance(w, hundreds ? 40 : 12) : 1 + (int)chance(w, 3);
    at += (size_t)snprintf(out + at, room - at, ",\"max_parallel\":%d,\"tolerate\":%s", parallel,
                           tolerates[chance(w, 4)]);
    bool sure = strstr(out, "steps.") == NULL;                     /* it certainly has a list */
    if (sure && strcmp(function, "patchy") == 0 && one_in(w, 3)) { /* a resume helps it */
        at += (size_t)snprintf(out + at, room - at, ",\"on_exhausted\":\"pause\"");
    }
    if (one_in(w, 3)) {
        at += (size_t)snprintf(
            out + at, room - at,
            ",\"input\":{\"v\":\"${item}\",\"at\":\"${index}\",\"n\":\"${input.n}\"}");
    }
    return at;
}
