/* The graph of a definition: converts needs from names to indexes, adds feeds as their reverse, and
 * refuses cycles. */
#include "model/pipeline_build.h"

#include <inttypes.h>
#include <stdio.h>

#include "model/limits.h"

static enum err fault_need(struct pipeline_build *b, uint32_t step, size_t need, const char *what,
                           struct bytes name)
{
    char field[32];
    (void)snprintf(field, sizeof field, "needs/%zu", need);
    return pipeline_fault_step(b, step, ERR_INVALID, field, "%s \"%.*s\"", what,
                               (int)(name.len < 130 ? name.len : 130), (const char *)name.ptr);
}

/* Inserts index into the ascending needs of s; false if it is there already. */
static bool insert_need(struct pipeline_step *s, uint32_t index)
{
    uint32_t at = s->needs_count;
    while (at > 0 && s->needs[at - 1] > index) {
        at--;
    }
    if (at > 0 && s->needs[at - 1] == index) {
        return false;
    }
    memmove(&s->needs[at + 1], &s->needs[at], (s->needs_count - at) * sizeof *s->needs);
    s->needs[at] = index;
    s->needs_count++;
    return true;
}

static enum err link_named(struct pipeline_build *b, uint32_t i, const struct doc_value *needs)
{
    struct pipeline_step *s = &b->p->steps[i];
    size_t count = doc_count(needs);
    if (doc_kind(needs) != JSON_ARRAY) {
        return pipeline_fault_step(b, i, ERR_INVALID, "needs",
                                   "needs must be an array of names of steps ([] = start at once)");
    }
    if (count > NEEDS_MAX) {
        return pipeline_fault_step(b, i, ERR_TOO_LARGE, "needs",
                                   "needs has %zu entries, at most %u are allowed", count,
                                   NEEDS_MAX);
    }
    s->needs = arena_alloc(b->arena, count * sizeof *s->needs);
    for (size_t k = 0; k < count; k++) {
        const struct doc_value *item = doc_at(needs, k);
        struct bytes name = doc_string(item);
        if (doc_kind(item) != JSON_STRING) {
            char field[32];
            (void)snprintf(field, sizeof field, "needs/%zu", k);
            return pipeline_fault_step(b, i, ERR_INVALID, field,
                                       "an entry of needs must be the name of a step");
        }
        const struct pipeline_step *needed = pipeline_named(b, i, name);
        if (needed == NULL) {
            return fault_need(b, i, k, "there is no step named", name);
        }
        if (needed == s) {
            return fault_need(b, i, k, "a step cannot need itself:", name);
        }
        if (needed->finally) {
            return fault_need(b, i, k, "a finally step runs last, so no step can need", name);
        }
        if (!insert_need(s, (uint32_t)(needed - b->p->steps))) {
            return fault_need(b, i, k, "named twice in needs:", name);
        }
    }
    return ERR_OK;
}

static enum err link_step(struct pipeline_build *b, uint32_t i)
{
    const struct doc_value *needs = doc_get(b->places[i].value, "needs");
    if (b->p->steps[i].finally) {
        pipeline_link_finally(b, i);
        return ERR_OK;
    }
    if (needs != NULL) {
        return link_named(b, i, needs);
    }
    if (b->places[i].before != STEP_NONE) { /* `needs` omitted: the previous step */
        b->p->steps[i].needs = arena_alloc(b->arena, sizeof(uint32_t));
        b->p->steps[i].needs[0] = b->places[i].before;
        b->p->steps[i].needs_count = 1;
    }
    return ERR_OK;
}

static void link_feeds(struct pipeline_build *b)
{
    struct pipeline *p = b->p;
    uint32_t *counts = arena_alloc(&b->scratch, p->step_count * sizeof *counts);
    for (uint32_t i = 0; i < p->step_count; i++) {
        for (uint32_t k = 0; k < p->steps[i].needs_count; k++) {
            counts[p->steps[i].needs[k]]++;
        }
    }
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (counts[i] > 0) {
            p->steps[i].feeds = arena_alloc(b->arena, counts[i] * sizeof *p->steps[i].feeds);
        }
    }
    for (uint32_t i = 0; i < p->step_count; i++) { /* i ascends, so each list does too */
        for (uint32_t k = 0; k < p->steps[i].needs_count; k++) {
            struct pipeline_step *needed = &p->steps[p->steps[i].needs[k]];
            needed->feeds[needed->feeds_count++] = i;
        }
    }
}

/* Executes the graph: afterwards waiting[i] is the number of needs of step i that can never be met.
 * Returns how many steps could run. */
static uint32_t run_dry(struct pipeline_build *b, uint32_t *waiting)
{
    struct pipeline *p = b->p;
    uint32_t *ready = arena_alloc(&b->scratch, p->step_count * sizeof *ready);
    uint32_t ready_count = 0;
    for (uint32_t i = 0; i < p->step_count; i++) {
        waiting[i] = p->steps[i].needs_count;
        if (waiting[i] == 0) {
            ready[ready_count++] = i;
        }
    }
    for (uint32_t done = 0; done < ready_count; done++) {
        const struct pipeline_step *s = &p->steps[ready[done]];
        for (uint32_t k = 0; k < s->feeds_count; k++) {
            if (--waiting[s->feeds[k]] == 0) {
                ready[ready_count++] = s->feeds[k];
            }
        }
    }
    return ready_count;
}

/* The first need of a step that can itself never run; there must be one. */
static uint32_t unmet_need(const struct pipeline *p, uint32_t step, const uint32_t *waiting)
{
    uint32_t k = 0;
    while (waiting[p->steps[step].needs[k]] == 0) {
        k++;
    }
    return p->steps[step].needs[k];
}

static enum err fault_circle(struct pipeline_build *b, const uint32_t *waiting)
{
    const struct pipeline *p = b->p;
    bool *seen = arena_alloc(&b->scratch, p->step_count * sizeof *seen);
    uint32_t at = 0;
    while (waiting[at] == 0) {
        at++;
    }
    while (!seen[at]) { /* follow unmet needs: a step that comes up again is part of a cycle */
        seen[at] = true;
        at = unmet_need(p, at, waiting);
    }
    uint32_t first = at; /* report the cycle from its lowest step, wherever the walk entered it */
    for (uint32_t next = unmet_need(p, at, waiting); next != at;
         next = unmet_need(p, next, waiting)) {
        first = next < first ? next : first;
    }
    struct buf path = {0};
    buf_add_str(&path, p->steps[first].name);
    uint32_t next = first;
    do {
        next = unmet_need(p, next, waiting);
        buf_addf(&path, " needs %s", p->steps[next].name);
    } while (next != first && path.len < 200);
    const char *more = next != first ? " needs ..." : "";
    bool given = doc_get(b->places[first].value, "needs") != NULL;
    enum err e =
        pipeline_fault_step(b, first, ERR_INVALID, given ? "needs" : "",
                            "the steps need each other in a cycle: %s%s", buf_cstr(&path), more);
    buf_free(&path);
    return e;
}

enum err pipeline_link(struct pipeline_build *b)
{
    for (uint32_t i = 0; i < b->p->step_count; i++) {
        enum err e = link_step(b, i);
        if (e != ERR_OK) {
            return e;
        }
    }
    pipeline_link_joints(b);
    link_feeds(b);
    uint32_t *waiting = arena_alloc(&b->scratch, b->p->step_count * sizeof *waiting);
    if (run_dry(b, waiting) < b->p->step_count) {
        return fault_circle(b, waiting);
    }
    return ERR_OK;
}
