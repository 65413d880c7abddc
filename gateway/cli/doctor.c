#include "cli/doctor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/shipped.h"

#define FINDING_BYTES 1024 /* a line or two: longer details of a coordinator are cut */

const char *doctor_level_name(enum doctor_level l)
{
    static const char *const names[] = {"ok", "warning", "fault"};
    return names[l];
}

void doctor_free(struct doctor *d)
{
    arena_free(&d->arena);
}

enum doctor_level doctor_worst(const struct doctor *d)
{
    enum doctor_level worst = DOCTOR_GOOD;
    for (size_t i = 0; i < d->count; i++) {
        worst = d->findings[i].level > worst ? d->findings[i].level : worst;
    }
    return worst;
}

void doctor_find(struct doctor *d, enum doctor_level level, const char *check, const char *advice,
                 const char *format, ...)
{
    if (d->count == DOCTOR_FINDINGS_MAX) {
        return;
    }
    char text[FINDING_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    d->findings[d->count++] =
        (struct finding){level, check, arena_bytes(&d->arena, bytes_str(text)), bytes_str(advice)};
}

static const char *text_of(const struct doc_value *object, const char *key)
{
    struct bytes s = doc_string(doc_get(object, key));
    return s.len > 0 ? (const char *)s.ptr : "";
}

/* ---- the coordinators and their store ---- */

static void not_ready(struct doctor *d, const struct doc_value *problem)
{
    const struct doc_value *errors = doc_get(problem, "errors");
    for (size_t i = 0; i < doc_count(errors); i++) {
        doctor_find(
            d, DOCTOR_FAULT, "ready",
            "fix what it names, or start what is missing (MARATHON_COORDINATORS of the gateway); "
            "read that coordinator's log; alarms and cures: " SHIPPED_DOC("RUNBOOK.md"),
            "%s", text_of(doc_at(errors, i), "detail"));
    }
    if (doc_count(errors) == 0) {
        const char *why = text_of(problem, "detail");
        doctor_find(d, DOCTOR_FAULT, "ready",
                    "start coordinators, and name them in the gateway's MARATHON_COORDINATORS",
                    "the gateway is not ready: %s", why[0] != '\0' ? why : "it does not say why");
    }
}

/* Ignores its detail, which is for people: the state of its store is in other members, and waiting
 * steps are reported with the workers. */
static void coordinator(struct doctor *d, const struct doc_value *c)
{
    const char *url = text_of(c, "url");
    const char *refused = text_of(c, "starts_refused"), *warning = text_of(c, "store_warning");
    if (strcmp(text_of(c, "storage_backend"), "memory") == 0) {
        doctor_find(d, DOCTOR_WARNING, "store",
                    "set MARATHON_STORE=redis and REDIS_URL: a restart loses all tasks",
                    "coordinator %s keeps its tasks in memory only", url);
    }
    if (refused[0] != '\0') {
        doctor_find(d, DOCTOR_FAULT, "store",
                    "give Redis memory (maxmemory) or disk: MarathonStartsRefused in " SHIPPED_DOC(
                        "RUNBOOK.md"),
                    "coordinator %s: %s", url, refused);
    }
    if (warning[0] != '\0') {
        doctor_find(d, DOCTOR_WARNING, "store",
                    "safe settings: " SHIPPED(
                        "redis.conf") "; rights of the Redis user: " SHIPPED_DOC("RUNBOOK.md"),
                    "coordinator %s: %s", url, warning);
    }
}

void doctor_ready(struct doctor *d, int status, const struct doc_value *body)
{
    const struct doc_value *all = doc_get(body, "coordinators");
    if (status != 200) {
        not_ready(d, body);
        return;
    }
    size_t count = doc_count(all), before = d->count;
    int64_t configured = doc_int(doc_get(body, "coordinators_configured"));
    for (size_t i = 0; i < count; i++) {
        coordinator(d, doc_at(all, i));
    }
    const struct doc_value *away = doc_get(body, "unreachable");
    for (size_t i = 0; i < doc_count(away); i++) {
        doctor_find(d, DOCTOR_WARNING, "coordinators",
                    "start those that are missing, or take them out of MARATHON_COORDINATORS; "
                    "where certificates do not fit: TLS in " SHIPPED_DOC("RUNBOOK.md"),
                    "coordinator %s cannot be reached: %s", text_of(doc_at(away, i), "url"),
                    text_of(doc_at(away, i), "detail"));
    }
    if (doc_count(away) > 0) {
        return;
    }
    if ((int64_t)count < configured) {
        doctor_find(d, DOCTOR_WARNING, "coordinators",
                    "start those that are missing, or take them out of MARATHON_COORDINATORS",
                    "%zu of %" PRId64 " coordinators are connected", count, configured);
    } else if (count == 1) {
        doctor_find(d, DOCTOR_WARNING, "coordinators",
                    "start a second one: it takes over within 4 s if this one dies",
                    "only one coordinator: while it is away, no task goes on");
    }
    if (d->count == before) {
        doctor_find(d, DOCTOR_GOOD, "coordinators", "", "%zu ready, all partitions owned", count);
    }
}

/* ---- workers ---- */

static void missing(struct doctor *d, const struct doc_value *waiting)
{
    for (size_t i = 0; i < doc_count(waiting); i++) {
        const struct doc_value *w = doc_at(waiting, i);
        const struct doc_value *requires = doc_get(w, "requires");
        struct buf labels = {0};
        const char *name;
        const struct doc_value *value;
        for (size_t k = 0; (value = doc_member(requires, k, &name)) != NULL; k++) {
            buf_addf(&labels, "%s%s=%s", k > 0 ? ", " : " with the labels ", name,
                     (const char *)doc_string(value).ptr);
        }
        doctor_find(d, DOCTOR_FAULT, "workers",
                    "start a worker that offers it (--functions, --labels), or cancel the tasks",
                    "%" PRId64 " steps wait: no worker offers %s%s", doc_int(doc_get(w, "steps")),
                    text_of(w, "function"), labels.len > 0 ? buf_cstr(&labels) : "");
        buf_free(&labels);
    }
}

static bool said_before(const struct doc_value *items, size_t end, const char *version)
{
    for (size_t i = 0; i < end; i++) {
        if (strcmp(text_of(doc_at(items, i), "version"), version) == 0) {
            return true;
        }
    }
    return false;
}

static void compare_versions(struct doctor *d, const struct doc_value *items)
{
    struct buf all = {0};
    size_t versions = 0;
    for (size_t i = 0; i < doc_count(items); i++) {
        const char *version = text_of(doc_at(items, i), "version");
        if (version[0] != '\0' && !said_before(items, i, version)) {
            buf_addf(&all, "%s%s", versions > 0 ? ", " : "", version);
            versions++;
        }
    }
    if (versions > 1) {
        doctor_find(d, DOCTOR_WARNING, "workers",
                    "normal during an upgrade; otherwise upgrade the others too (`marathon "
                    "workers` shows which)",
                    "workers run %zu versions: %s", versions, buf_cstr(&all));
    }
    buf_free(&all);
}

void doctor_workers(struct doctor *d, const struct doc_value *workers)
{
    const struct doc_value *items = doc_get(workers, "items");
    size_t ready = 0, before = d->count;
    int64_t slots = 0, busy = 0;
    for (size_t i = 0; i < doc_count(items); i++) {
        const struct doc_value *w = doc_at(items, i);
        if (strcmp(text_of(w, "state"), "ready") == 0) {
            ready++;
            slots += doc_int(doc_get(w, "slots"));
            busy += doc_int(doc_get(w, "busy"));
        }
    }
    missing(d, doc_get(workers, "waiting"));
    compare_versions(d, items);
    if (ready == 0) {
        doctor_find(d, DOCTOR_FAULT, "workers",
                    "start some, with MARATHON_COORDINATORS naming the coordinators. A worker's "
                    "own /readyz and log say why it cannot connect",
                    "no worker is ready (%zu connected)", doc_count(items));
    } else if (busy >= slots) {
        doctor_find(d, DOCTOR_WARNING, "workers",
                    "add workers or raise --slots to run more at once",
                    "all %" PRId64 " slots are busy", slots);
    } else if (ready == 1) {
        doctor_find(d, DOCTOR_WARNING, "workers",
                    "start a second one: if one dies, its steps run elsewhere within 0.4 s",
                    "only one worker: while it is away, no step runs");
    }
    if (d->count == before) {
        doctor_find(d, DOCTOR_GOOD, "workers", "",
                    "%zu ready, %" PRId64 " of %" PRId64 " slots busy", ready, busy, slots);
    }
}

static bool offered(const struct doc_value *workers, struct bytes function)
{
    const struct doc_value *items = doc_get(workers, "items");
    for (size_t i = 0; i < doc_count(items); i++) {
        const struct doc_value *functions = doc_get(doc_at(items, i), "functions");
        for (size_t k = 0; k < doc_count(functions); k++) {
            if (bytes_eq(doc_string(doc_at(functions, k)), function)) {
                return true;
            }
        }
    }
    return false;
}

static bool needed_before(const struct doc_value *steps, size_t at)
{
    struct bytes function = doc_string(doc_get(doc_at(steps, at), "function"));
    for (size_t i = 0; i < at; i++) {
        if (bytes_eq(doc_string(doc_get(doc_at(steps, i), "function")), function)) {
            return true;
        }
    }
    return false;
}

void doctor_pipeline(struct doctor *d, const struct doc_value *pipeline,
                     const struct doc_value *workers)
{
    const struct doc_value *steps = doc_get(pipeline, "steps");
    struct buf lacking = {0};
    for (size_t i = 0; i < doc_count(steps); i++) {
        struct bytes function = doc_string(doc_get(doc_at(steps, i), "function"));
        if (function.len > 0 && !offered(workers, function) && !needed_before(steps, i)) {
            buf_addf(&lacking, "%s%.*s", lacking.len > 0 ? ", " : "", (int)function.len,
                     (const char *)function.ptr);
        }
    }
    if (lacking.len > 0) {
        doctor_find(d, DOCTOR_WARNING, "pipelines",
                    "their tasks would wait there: start a worker that offers what they need",
                    "%s needs functions that no worker offers: %s", text_of(pipeline, "name"),
                    buf_cstr(&lacking));
    }
    buf_free(&lacking);
}

void doctor_dead_letters(struct doctor *d, const struct doc_value *letters)
{
    const struct doc_value *first = doc_at(doc_get(letters, "items"), 0);
    if (first == NULL) {
        doctor_find(d, DOCTOR_GOOD, "dead letters", "", "none");
        return;
    }
    doctor_find(d, DOCTOR_WARNING, "dead letters",
                "`marathon dead-letters` lists them with the last of their stderr, and requeues",
                "there are dead letters; the newest: task %s, step %s", text_of(first, "task_id"),
                text_of(first, "name"));
}
