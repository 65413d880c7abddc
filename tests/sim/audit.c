#include "audit.h"

#include <stdlib.h>

#include "books.h"
#include "json/scan.h"

struct audit *audit_create(struct world *w)
{
    struct audit *a = mem_zalloc(sizeof *a);
    a->world = w;
    return a;
}

void audit_free(struct audit *a)
{
    void *value = NULL;
    for (size_t i = 0; map_next(&a->tasks, &i, &value);) {
        struct book_task *t = value;
        while (t != NULL) {
            pipeline_unref(t->pipeline);
            free(t->events);
            t = t->older;
        }
    }
    map_free(&a->tasks);
    audit_order_free(a);
    audit_once_free(a);
    free(a->executions);
    free(a->outcomes);
    free(a->keys);
    free(a->forks);
    map_free(&a->recovers_asked);
    free(a->used);
    arena_free(&a->arena);
    free(a);
}

void audit_blind(struct audit *a)
{
    a->blind = true;
}

struct book_task *book_find(const struct audit *a, struct bytes id)
{
    return map_get(&a->tasks, id);
}

uint64_t audit_began(struct audit *a, const char *worker, const struct step_order *order)
{
    if (a->blind) {
        return 0;
    }
    const struct attempt_ref *ref = &order->ref;
    tell(a->world, worker, "runs %.*s/%.*s run %u generation %u attempt %u delivery %u",
         (int)ref->task_id.len, (const char *)ref->task_id.ptr, (int)order->name.len,
         (const char *)order->name.ptr, ref->run, ref->generation, ref->attempt, ref->delivery);
    struct book_task *t = book_find(a, ref->task_id);
    REQUIRE(a, "I4", t != NULL, "an execution for an unknown task");
    for (size_t i = 0; i < a->execution_count; i++) {
        const struct book_execution *x = &a->executions[i];
        bool same = bytes_eq(x->task_id, ref->task_id) && x->run == ref->run &&
                    x->step == ref->step && x->item == ref->item &&
                    x->generation == ref->generation;
        REQUIRE(a, "I4", same == bytes_eq(x->key, order->idempotency_key),
                "%.*s/%u: attempts of one generation %s an idempotency key", (int)ref->task_id.len,
                (const char *)ref->task_id.ptr, ref->step,
                same ? "do not share" : "share with others");
    }
    MEM_GROW(a->executions, a->execution_count, a->execution_cap);
    a->executions[a->execution_count++] =
        (struct book_execution){.task_id = arena_bytes(&a->arena, ref->task_id),
                                .key = arena_bytes(&a->arena, order->idempotency_key),
                                .run = ref->run,
                                .step = ref->step,
                                .item = ref->item,
                                .generation = ref->generation,
                                .recoveries = t->recoveries_seen};
    return a->execution_count - 1;
}

void audit_stopped(struct audit *a, uint64_t record)
{
    if (!a->blind) {
        a->executions[record].stopped = true;
    }
}

void audit_ended(struct audit *a, uint64_t record, bool ok, struct bytes result)
{
    if (a->blind) {
        return;
    }
    struct book_execution *x = &a->executions[record];
    x->ended = true;
    x->ok = ok;
    x->result = arena_bytes(&a->arena, result);
}

void audit_outcome(struct audit *a, uint64_t life, const struct step_outcome *outcome)
{
    if (a->blind) {
        return;
    }
    for (size_t i = a->outcome_count; i-- > 0;) {
        if (a->outcomes[i].life == life && a->outcomes[i].number == outcome->number) {
            return; /* sent again */
        }
    }
    MEM_GROW(a->outcomes, a->outcome_count, a->outcome_cap);
    a->outcomes[a->outcome_count++] =
        (struct book_outcome){.life = life,
                              .number = outcome->number,
                              .task_id = arena_bytes(&a->arena, outcome->ref.task_id),
                              .run = outcome->ref.run,
                              .step = outcome->ref.step,
                              .item = outcome->ref.item,
                              .generation = outcome->ref.generation,
                              .delivery = outcome->ref.delivery,
                              .ok = outcome->ok};
    for (uint32_t i = 0; i < outcome->usage_count; i++) {
        usage_sum_add(&a->outcomes[a->outcome_count - 1].used, &outcome->usage[i].sum);
    }
}

bool book_has_result(const struct audit *a, struct bytes task_id, uint32_t run, uint32_t step,
                     uint32_t generation, struct bytes result)
{
    for (size_t i = 0; i < a->execution_count; i++) {
        const struct book_execution *x = &a->executions[i];
        if (x->ok && x->run == run && x->step == step && x->generation == generation &&
            bytes_eq(x->task_id, task_id) && bytes_eq(x->result, result)) {
            return true;
        }
    }
    return false;
}

uint32_t book_failures(const struct audit *a, const struct book_task *t, uint32_t step,
                       uint32_t generation)
{
    uint32_t count = 0;
    for (size_t i = 0; i < a->execution_count; i++) {
        const struct book_execution *x = &a->executions[i];
        count += x->ended && !x->ok && x->run == t->run && x->step == step &&
                 x->generation == generation && x->recoveries == t->recoveries_seen &&
                 bytes_eq(x->task_id, t->id);
    }
    return count;
}

bool book_when_holds(const struct book_task *t, uint32_t step)
{
    const struct pipeline_step *def = &t->pipeline->steps[step];
    if (def->parent != STEP_NONE && !book_when_holds(t, def->parent)) {
        return false;
    }
    if (def->when == NULL) {
        return true;
    }
    const struct book_step *of = &t->steps[def->when->refs[0].step_index];
    if (of->state != STEP_COMPLETED) {
        return false;
    }
    /* There is no number if the step waited, joined, or went on after a failure. */
    struct bytes number = json_member(of->result, "number");
    return number.len > 0 && strtoull((const char *)number.ptr, NULL, 10) < 1ull << 63;
}

bool book_joined(const struct book_task *t, uint32_t step)
{
    const struct pipeline_step *def = &t->pipeline->steps[step];
    struct buf want = {0};
    buf_add_char(&want, '{');
    for (uint32_t n = 0; n < def->needs_count; n++) {
        const struct book_step *of = &t->steps[def->needs[n]];
        buf_addf(&want, "%s\"%s\":", n > 0 ? "," : "", t->pipeline->steps[def->needs[n]].own_name);
        buf_add_bytes(&want, of->state == STEP_COMPLETED ? of->result : BYTES_LIT("null"));
    }
    buf_add_char(&want, '}');
    bool same = bytes_eq(t->steps[step].result, buf_bytes(&want));
    buf_free(&want);
    return same;
}

void audit_doc(struct audit *a, const char *task_id, uint32_t run, uint32_t revision,
               struct bytes data, uint32_t results_bytes)
{
    if (a->blind) {
        return;
    }
    (void)run;
    (void)revision;
    REQUIRE(a, "I2", data.len == results_bytes, "%s: a part of the document of %zu bytes, not %u",
            task_id, data.len, results_bytes);
    /* If a step has completed since, there is a comma in place of the closing brace: the reader
     * closes the object itself. */
    struct buf text = {0};
    buf_add_bytes(&text, bytes_part(data, 0, data.len - 1));
    buf_add_char(&text, '}');
    bool valid = json_check(buf_bytes(&text), NULL, NULL) == ERR_OK;
    buf_free(&text);
    REQUIRE(a, "I2", valid, "%s: the results in its document are not JSON: %.*s", task_id,
            (int)data.len, (const char *)data.ptr);
}

void audit_dead(struct audit *a, const struct dead_letter *items, uint32_t count)
{
    if (a->blind) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct book_task *t = book_find(a, items[i].task_id);
        for (; t != NULL && !t->was_dead; t = t->older) {
        }
        REQUIRE(a, "dead letters", t != NULL, "%.*s is listed, and never had a dead letter",
                (int)items[i].task_id.len, (const char *)items[i].task_id.ptr);
        REQUIRE(a, "dead letters",
                i == 0 || items[i - 1].at > items[i].at ||
                    (items[i - 1].at == items[i].at &&
                     bytes_cmp(items[i - 1].task_id, items[i].task_id) > 0),
                "the list is out of order at %u", i);
    }
}

void audit_seen(struct audit *a, uint32_t client, const char *task_id,
                const struct task_event *event)
{
    if (a->blind) {
        return;
    }
    struct slices blob = {0};
    struct lenders none = {0};
    record_put_event(event, &none, &blob);
    bool found = false;
    for (struct book_task *t = book_find(a, bytes_str(task_id)); t != NULL; t = t->older) {
        found = found || (event->seq <= t->event_count &&
                          bytes_eq(t->events[event->seq - 1], buf_bytes(&blob.own)));
    }
    slices_free(&blob);
    REQUIRE(a, "I7", found, "client %u saw an event %llu of %s that the store never had", client,
            (unsigned long long)event->seq, task_id);
}

/* I11: a coordinator's memory of watchers is bounded by the number of watchers. */
static void audit_watches(struct audit *a)
{
    struct world *w = a->world;
    for (uint32_t i = 0; i < w->coordinator_count; i++) {
        const struct coordinator *co = &w->coordinators[i];
        uint64_t watching = 0;
        for (uint32_t k = 0; k < w->client_count; k++) {
            const struct conn *conn = conn_find(w, w->clients[k].watch_conn);
            watching += conn != NULL && conn->ends[0] == &co->process;
        }
        uint64_t watches = co->core != NULL ? core_stats(co->core).watches : 0;
        REQUIRE(a, "I11", watches <= watching, "coordinator %u has %llu watches, of %llu watchers",
                i, (unsigned long long)watches, (unsigned long long)watching);
    }
}

/* Nor may it count a step as running that nobody has, unless a worker has just died. */
static void audit_running(struct audit *a)
{
    struct world *w = a->world;
    uint64_t had = 0;
    for (uint32_t i = 0; i < w->worker_count; i++) {
        if (w->workers[i].agent == NULL) {
            return;
        }
        struct agent_stats s = agent_stats(w->workers[i].agent);
        had += s.waiting + s.running + s.held;
    }
    for (uint32_t i = 0; i < w->coordinator_count; i++) {
        const struct core *core = w->coordinators[i].core;
        uint64_t running = core != NULL ? core_stats(core).steps_running : 0;
        REQUIRE(a, "I11", running <= had, "coordinator %u counts %llu running, of %llu attempts", i,
                (unsigned long long)running, (unsigned long long)had);
    }
}

void audit_end(struct audit *a)
{
    audit_watches(a);
    audit_running(a);
    struct world *w = a->world;
    if (a->blind) {
        return;
    }
    for (uint32_t i = 0; i < w->client_count; i++) {
        REQUIRE(a, "I1", store_model_find(&w->store, bytes_str(w->clients[i].task_id), w->now),
                "the accepted task %s is gone", w->clients[i].task_id);
    }
    for (size_t i = 0; i < w->store.task_count; i++) {
        const struct stored_task *t = w->store.tasks[i];
        const struct book_task *b = book_find(a, t->id);
        REQUIRE(a, "I7", b != NULL && b->seq == t->event_count, "%.*s: %zu events for seq %llu",
                (int)t->id.len, (const char *)t->id.ptr, t->event_count,
                b != NULL ? (unsigned long long)b->seq : 0);
    }
}
