/* What a world consists of, and what its functions do. */
#include <stdio.h>

#include "world.h"

const char *const function_names[] = {"quick", "slow",   "fail1",   "fail2",  "always",
                                      "never", "killer", "killer2", "patchy", "mine"};
const uint32_t function_count = sizeof function_names / sizeof function_names[0];

mono_ms function_takes(struct world *w, const char *function)
{
    if (strcmp(function, "slow") == 0) {
        return between(w, 500, 9000);
    }
    return one_in(w, 4) ? between(w, 50, 800) : between(w, 0, 60);
}

bool function_fails(const char *function, uint32_t attempt, bool *ret_permanent)
{
    *ret_permanent = strcmp(function, "never") == 0;
    bool first = strcmp(function, "fail1") == 0 && attempt <= 1;
    bool second = strcmp(function, "fail2") == 0 && attempt <= 2;
    return *ret_permanent || first || second || strcmp(function, "always") == 0;
}

bool function_kills(const char *function, uint32_t delivery)
{
    return strcmp(function, "killer") == 0 ||
           (strcmp(function, "killer2") == 0 && delivery % 3 != 2);
}

static const char *some_function(struct world *w)
{
    uint64_t n = chance(w, 100);
    if (n < 62) {
        return "quick";
    }
    if (n < 74) {
        return "slow";
    }
    if (n < 83) {
        return "fail1";
    }
    if (n < 89) {
        return "fail2";
    }
    static const char *const rare[] = {"always", "never", "killer", "killer2"};
    return rare[chance(w, 4)];
}

static void plan_retry(struct world *w, struct client *c, size_t *at)
{
    static const char *const choices[] = {
        ",\"retry\":{\"initial\":0.5,\"factor\":1,\"jitter\":0.5}",
        ",\"retry\":{\"initial\":1,\"factor\":3,\"max\":5,\"on\":[\"FUNCTION_CRASHED\",\"BUSY\"]}",
        ",\"non_retryable\":[\"BUSY\"]", ",\"timeout_total\":5", ",\"queue_timeout\":4"};
    if (one_in(w, 4)) {
        *at += (size_t)snprintf(c->steps + *at, sizeof c->steps - *at, "%s", choices[chance(w, 5)]);
    }
    if (c->budget.cost_nano > 0) { /* of COST_NANO */
        *at += (size_t)snprintf(c->steps + *at, sizeof c->steps - *at,
                                ",\"cost\":{\"cost_usd\":0.01}");
    }
}

static size_t plan_silence(struct world *w, char *out, size_t room)
{
    if (!w->silences || one_in(w, 3)) {
        return 0;
    }
    return (size_t)snprintf(out, room, ",\"progress_timeout\":%s", one_in(w, 2) ? "0.5" : "2");
}

static void plan_failure(struct world *w, struct client *c, size_t *at)
{
    static const char *const choices[] = {",\"on_failure\":\"skip\"",
                                          ",\"on_failure\":{\"continue\":[0]}"};
    if (one_in(w, 3)) {
        *at += (size_t)snprintf(c->steps + *at, sizeof c->steps - *at, "%s", choices[chance(w, 2)]);
    }
}

/* A step (its text so far) that fails its task may be a dead letter then; in some worlds half of
 * those without items are left for somebody to look at instead. No number is drawn for that. */
static void plan_exhausted(struct world *w, struct client *c, size_t from, size_t *at)
{
    if (w->leaves && strstr(c->steps + from, "for_each") == NULL && *at % 2 == 0) {
        *at +=
            (size_t)snprintf(c->steps + *at, sizeof c->steps - *at, ",\"on_exhausted\":\"pause\"");
        return;
    }
    if (strstr(c->steps + from, "on_") == NULL && one_in(w, 6)) {
        *at += (size_t)snprintf(c->steps + *at, sizeof c->steps - *at,
                                ",\"on_exhausted\":\"dead_letter\"");
    }
}

static size_t plan_wait(struct world *w, char *text, size_t size)
{
    char at[TIME_TEXT_BYTES];
    switch (chance(w, 6)) {
    case 5: /* the audit knows this expression, and no other */
        return one_in(w, 2)
                   ? (size_t)snprintf(text, size, "\"wait\":{\"seconds\":\"${size(input.few)}\"}")
                   : (size_t)snprintf(text, size,
                                      "\"wait\":{\"signal\":\"go\",\"timeout\":"
                                      "\"${size(input.few)}\",\"default\":{\"late\":1}}");
    case 0:
        return (size_t)snprintf(text, size, "\"wait\":{\"seconds\":%d}", (int)chance(w, 6));
    case 1:
        time_format(WALL_START + w->now + between(w, 0, 15000), at);
        return (size_t)snprintf(text, size, "\"wait\":{\"until\":\"%s\"}", at);
    case 2:
        return (size_t)snprintf(
            text, size, "\"wait\":{\"signal\":\"go\",\"timeout\":%d,\"default\":{\"late\":1}}",
            1 + (int)chance(w, 8));
    case 3:
        return (size_t)snprintf(text, size, "\"wait\":{\"signal\":\"go\",\"timeout\":%d}",
                                3 + (int)chance(w, 20));
    default:
        return (size_t)snprintf(text, size, "\"wait\":{\"signal\":\"%s\"}",
                                one_in(w, 2) ? "go" : "ok");
    }
}

/* Lets a step use the result of an earlier one: by a condition that holds half of the time, and an
 * input that names it. The audit can predict both. */
static size_t plan_when(struct world *w, char *out, size_t room, uint64_t of)
{
    unsigned long long k = of;
    if (!one_in(w, 4)) {
        return 0;
    }
    return (size_t)snprintf(
        out, room,
        ",\"when\":\"steps.s%llu.error == null && steps.s%llu.result != null && "
        "has(steps.s%llu.result.number) && steps.s%llu.result.number < 9223372036854775808.0\"",
        k, k, k, k);
}

static size_t plan_input(struct world *w, char *out, size_t room, uint64_t of)
{
    if (of != UINT64_MAX && one_in(w, 4)) {
        return (size_t)snprintf(
            out, room, ",\"input\":{\"n\":\"${input.n}\",\"own\":\"${steps.s%llu.result}\"}",
            (unsigned long long)of);
    }
    if (one_in(w, 6)) {
        return (size_t)snprintf(out, room, ",\"input\":{\"own\":%d}", (int)chance(w, 100));
    }
    return 0;
}

/* A step that is a pipeline of four steps, one of which is a pipeline itself. */
static size_t plan_nest(struct world *w, char *text, size_t size)
{
    static const char *const failures[] = {"", ",\"on_failure\":\"skip\"",
                                           ",\"on_failure\":{\"continue\":[0]}"};
    const char *of[] = {some_function(w), some_function(w), some_function(w)};
    return (size_t)snprintf(
        text, size,
        "\"input\":{\"n\":\"${input.n}\"},\"pipeline\":{\"steps\":["
        "{\"name\":\"x\",\"function\":\"%s\",\"needs\":[]%s},"
        "{\"name\":\"y\",\"function\":\"%s\"%s},"
        "{\"name\":\"v\",\"needs\":[\"x\"],\"input\":{\"n\":\"${input.n}\"},\"pipeline\":{"
        "\"steps\":["
        "{\"name\":\"u\",\"function\":\"%s\",\"needs\":[]%s},"
        "{\"name\":\"t\",\"wait\":{\"seconds\":1}}]}},"
        "{\"name\":\"z\",\"needs\":[],\"wait\":{\"signal\":\"go\",\"timeout\":3,\"default\":"
        "{\"late\":1}}}]}",
        of[0], failures[chance(w, 3)], of[1], failures[chance(w, 3)], of[2],
        failures[chance(w, 3)]);
}

/* A step that is a pipeline of two steps, whose input passes the task's number on. */
static size_t plan_nested(struct world *w, char *text, size_t size)
{
    const char *x = some_function(w), *y = some_function(w);
    return (size_t)snprintf(
        text, size,
        "\"input\":{\"n\":\"${input.n}\"},\"pipeline\":{\"steps\":[{\"name\":\"x\",\"function\":"
        "\"%s\",\"needs\":[]},{\"name\":\"y\",\"function\":\"%s\"%s}%s]}",
        x, y, one_in(w, 2) ? ",\"input\":{\"n\":\"${input.n}\",\"own\":\"${steps.x.result}\"}" : "",
        one_in(w, 2) ? ",{\"name\":\"z\",\"function\":\"quick\",\"needs\":[]}" : "");
}

/* In some worlds several steps wait for one signal. Only there can a signal that came early be
 * missed. */
static bool signals_race(const struct world *w)
{
    return w->seed % 16 == 5;
}

static void plan_steps(struct world *w, struct client *c)
{
    uint64_t count = 1 + chance(w, one_in(w, 5) ? 8 : 4);
    uint64_t last = count > 1 && one_in(w, 4) ? 1 + chance(w, 2) : 0; /* finally steps */
    last = last < count ? last : count - 1;
    bool graph = one_in(w, 2);
    uint64_t fans = 0; /* bit i: step i has items */
    uint64_t wait_in = signals_race(w) ? 2 : 7;
    size_t at = 0;
    at += (size_t)snprintf(c->steps, sizeof c->steps, "[");
    for (uint64_t i = 0; i < count; i++) {
        size_t from = at;
        bool finally = i >= count - last;
        bool nested = !finally && one_in(w, 8);
        bool waits = !nested && one_in(w, wait_in);
        bool fan = !nested && !waits && one_in(w, 5);
        uint64_t of =
            i > 0 && !finally && !graph && (fans & 1ull << (i - 1)) == 0 ? i - 1 : UINT64_MAX;
        fans |= (uint64_t)fan << i;
        at += (size_t)snprintf(c->steps + at, sizeof c->steps - at, "%s{\"name\":\"s%llu\",",
                               i > 0 ? "," : "", (unsigned long long)i);
        at += nested && w->nests ? plan_nest(w, c->steps + at, sizeof c->steps - at)
              : nested           ? plan_nested(w, c->steps + at, sizeof c->steps - at)
              : waits            ? plan_wait(w, c->steps + at, sizeof c->steps - at)
              : fan ? plan_fan(w, c->steps + at, sizeof c->steps - at, some_function(w), of)
                    : (size_t)snprintf(c->steps + at, sizeof c->steps - at, "\"function\":\"%s\"",
                                       some_function(w));
        if (!nested) {
            plan_failure(w, c, &at);
        }
        /* one of the earlier steps */
        uint64_t need = finally ? 0 : graph || i == 0 ? UINT64_MAX : i - 1;
        if (finally) {
            at += (size_t)snprintf(c->steps + at, sizeof c->steps - at, ",\"finally\":true");
        } else if (graph) {
            at += (size_t)snprintf(c->steps + at, sizeof c->steps - at, ",\"needs\":[");
            bool first = true;
            for (uint64_t n = 0; n < i; n++) {
                if (one_in(w, 3)) {
                    at += (size_t)snprintf(c->steps + at, sizeof c->steps - at, "%s\"s%llu\"",
                                           first ? "" : ",", (unsigned long long)n);
                    first = false;
                    need = n;
                }
            }
            at += (size_t)snprintf(c->steps + at, sizeof c->steps - at, "]");
        }
        if (need != UINT64_MAX && (fans & 1ull << need) == 0) { /* a list has no number */
            at += plan_when(w, c->steps + at, sizeof c->steps - at, need);
        }
        if (waits || nested) {
            at += (size_t)snprintf(c->steps + at, sizeof c->steps - at, "}");
            continue;
        }
        plan_retry(w, c, &at);
        at += plan_order(w, c->steps + at, sizeof c->steps - at);
        at += plan_silence(w, c->steps + at, sizeof c->steps - at);
        plan_exhausted(w, c, from, &at);
        at += fan ? 0 : plan_input(w, c->steps + at, sizeof c->steps - at, need);
        at += (size_t)snprintf(c->steps + at, sizeof c->steps - at, ",\"timeout\":%d}",
                               one_in(w, 10) ? 3 : 60);
    }
    snprintf(c->steps + at, sizeof c->steps - at, "]");
}

/* Two steps wait for one signal, and either may come to it first. */
static void plan_race(struct client *c)
{
    snprintf(c->steps, sizeof c->steps,
             "[{\"name\":\"s0\",\"function\":\"slow\",\"needs\":[]},"
             "{\"name\":\"s1\",\"function\":\"slow\",\"needs\":[]},"
             "{\"name\":\"s2\",\"wait\":{\"signal\":\"go\"},\"needs\":[\"s0\"]},"
             "{\"name\":\"s3\",\"wait\":{\"signal\":\"go\"},\"needs\":[\"s1\"]}]");
}

/* Some get a little less than their task would need. */
static void plan_budget(struct world *w, struct client *c)
{
    switch (chance(w, 8)) {
    case 0:
    case 1:
        c->budget.cost_nano = COST_NANO * (1 + chance(w, 5)) - chance(w, 2) * COST_NANO / 3;
        break;
    case 2:
        c->budget.steps = 1 + chance(w, 5);
        break;
    case 3:
        c->budget.tokens = (COST_NANO / 1000 + COST_NANO / 5000) * (1 + chance(w, 5));
        break;
    default:
        break;
    }
}

size_t plan_task_input(const struct world *w, char *out, size_t room)
{
    size_t at = (size_t)snprintf(out, room,
                                 "{\"dish\":\"soup\",\"n\":12345678901234567890,\"none\":[],"
                                 "\"few\":[\"a\",{\"k\":[1]},3],\"many\":[1");
    for (uint32_t i = 2; i <= w->many; i++) {
        at += (size_t)snprintf(out + at, room - at, ",%u", i);
    }
    return at + (size_t)snprintf(out + at, room - at, "]}");
}

static void plan_client(struct world *w, struct client *c, uint32_t index)
{
    c->index = index;
    c->gateway = &w->gateways[chance(w, w->gateway_count)];
    uint32_t number = index > 0 && one_in(w, 12) ? index - 1 : index; /* two clients, one id */
    snprintf(c->task_id, sizeof c->task_id, "t%u", number);
    c->priority = (int32_t)chance(w, 5) - 2;
    c->max_retries = one_in(w, 3) ? -1 : (int32_t)chance(w, 4);
    c->max_duration_s = one_in(w, 10) ? 5 : -1;
    c->checkpoints = !one_in(w, 6);
    c->watches = one_in(w, 2);
    plan_budget(w, c);
    if (signals_race(w) && one_in(w, 2)) {
        plan_race(c);
    } else {
        plan_steps(w, c);
    }
}

void plan_world(struct world *w)
{
    w->faults = (int)chance(w, 4);
    w->shares = one_in(w, 3);
    w->many = w->seed % 16 == 3 ? 150 : 22;
    w->wants = w->seed % 8 == 1;
    w->store_lag = w->seed % 8 == 7 ? 20 * (1 + (mono_ms)chance(w, 10)) : 2;
    w->rolls = w->seed % 8 == 6 && w->faults > 0;
    w->upgrades = w->rolls && w->seed % 16 == 14;
    /* Uses moduli that are coprime to those above, so that each of these features meets each of
     * those in some world. */
    w->silences = w->seed % 5 == 2;
    w->forsakes = w->seed % 11 == 7;
    w->stands_by = w->seed % 7 == 2;
    w->nests = w->seed % 9 == 1;
    w->rebudgets = w->seed % 9 == 2;
    w->leaves = w->seed % 9 == 4;
    w->fleeting = w->seed % 9 == 7;
    w->coordinator_count = 1 + (uint32_t)chance(w, COORDINATORS_MAX);
    w->coordinator_count = w->rolls ? COORDINATORS_MAX : w->coordinator_count;
    w->worker_count = 2 + (uint32_t)chance(w, WORKERS_MAX - 1);
    w->gateway_count = 1 + (uint32_t)chance(w, GATEWAYS_MAX);
    w->client_count = 1 + (uint32_t)chance(w, CLIENTS_MAX);
    w->heal_at = w->now + between(w, 4000, 16000);
    for (uint32_t i = 0; i < w->coordinator_count; i++) {
        w->coordinators[i].index = i;
        snprintf(w->coordinators[i].process.name, sizeof(char[16]), "c%u", i);
    }
    for (uint32_t i = 0; i < w->worker_count; i++) {
        struct worker_host *h = &w->workers[i];
        h->index = i;
        snprintf(h->process.name, sizeof h->process.name, "w%u", i);
        h->slots = 1 + (uint32_t)chance(w, 4);
        plan_labels(w, h);
        for (uint32_t f = 0; f < function_count; f++) {
            if (i == 0 || !one_in(w, 5)) {
                h->functions[h->function_count++] = bytes_str(function_names[f]);
            }
        }
    }
    for (uint32_t i = 0; i < w->gateway_count; i++) {
        snprintf(w->gateways[i].process.name, sizeof(char[16]), "g%u", i);
        w->gateways[i].next_request = (uint64_t)(i + 1) << 32;
    }
    for (uint32_t i = 0; i < w->client_count; i++) {
        plan_client(w, &w->clients[i], i);
    }
}
