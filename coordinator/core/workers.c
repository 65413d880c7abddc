/* Workers: who they are, what they run, and their death. A worker outlives its connection by a
 * short grace, since one that is alive dials again. */
#include "core/workers.h"

#include <stdlib.h>

#include "core/budget.h"
#include "core/fan.h"
#include "core/functions.h"
#include "core/fx.h"
#include "core/lanes.h"
#include "core/on_outcome.h"
#include "core/on_progress.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/replies.h"
#include "core/state.h"
#include "core/step_limits.h"
#include "core/tasks.h"
#include "core/timers.h"
#include "core/token.h"
#include "model/limits.h"

/* A worker that is back sends RUNNING as soon as it is welcomed; one that has not by then cannot
 * hear us. */
#define RUNNING_WITHIN_MS 500

_Static_assert(ATTEMPTS_PER_WORKER_MAX *(ID_BYTES_MAX + TOKEN_BYTES + 64) < FRAME_BYTES_MAX,
               "RUNNING lists all that a worker has in one frame");

struct worker *worker_by_serial(const struct core *c, uint64_t serial)
{
    size_t from = 0;
    size_t to = c->worker_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (c->by_serial[middle]->serial < serial) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    bool found = from < c->worker_count && c->by_serial[from]->serial == serial;
    return found ? c->by_serial[from] : NULL;
}

/* By its token as well: an id that is used again after its record expired begins at run 1, and its
 * attempts have the numbers of the old ones, which a worker may still hold. */
static bool same_attempt(const struct attempt_ref *a, const struct attempt_ref *b)
{
    return a->run == b->run && a->step == b->step && a->item == b->item &&
           a->generation == b->generation && a->attempt == b->attempt &&
           a->delivery == b->delivery && memcmp(a->token, b->token, TOKEN_BYTES) == 0 &&
           bytes_eq(a->task_id, b->task_id);
}

struct run *worker_run_find(struct worker *w, const struct attempt_ref *ref)
{
    uint32_t id_hash = (uint32_t)bytes_hash(ref->task_id);
    for (uint32_t i = 0; i < w->run_count; i++) {
        if (w->runs[i].id_hash == id_hash && same_attempt(&w->runs[i].ref, ref)) {
            return &w->runs[i];
        }
    }
    return NULL;
}

/* Adds a run that is not in the list yet. */
static struct run *run_append(struct worker *w, const struct attempt_ref *ref)
{
    MEM_GROW(w->runs, w->run_count, w->run_cap);
    struct run *r = &w->runs[w->run_count++];
    *r = (struct run){.ref = *ref, .id_hash = (uint32_t)bytes_hash(ref->task_id)};
    r->ref.task_id = bytes_of(mem_str_bytes(ref->task_id), ref->task_id.len);
    return r;
}

struct run *worker_run_add(struct worker *w, const struct attempt_ref *ref)
{
    struct run *r = worker_run_find(w, ref);
    return r != NULL ? r : run_append(w, ref);
}

struct run *worker_run_of(const struct core *c, struct worker *w, const struct step *s)
{
    struct attempt_ref ref;
    token_mint(&c->secret, s, &ref);
    return worker_run_find(w, &ref);
}

/* Its runs may also name tasks of other owners: of partitions that we have lost, or that it told us
 * about. */
uint32_t worker_busy(const struct core *c, const struct worker *w)
{
    uint32_t busy = 0;
    for (uint32_t i = 0; i < w->run_count; i++) {
        busy += partition_serves(&c->partitions[id_partition(w->runs[i].ref.task_id)]);
    }
    return busy;
}

/* The attempt is over, wherever we learned of that: its hold is free. */
static void run_end(struct core *c, struct run *r)
{
    c->holds_due -= r->hold_due;
    r->hold_due = false;
    hold_release(c, r->hold);
    r->hold = NULL;
}

static void run_drop(struct core *c, struct worker *w, struct run *r)
{
    run_end(c, r);
    bytes_free(r->ref.task_id);
    *r = w->runs[--w->run_count];
}

void worker_run_remove(struct core *c, struct worker *w, const struct attempt_ref *ref)
{
    struct run *r = worker_run_find(w, ref);
    if (r != NULL) {
        run_drop(c, w, r);
    }
}

static void worker_destroy(void *thing)
{
    struct worker *w = thing;
    for (uint32_t i = 0; i < w->run_count; i++) {
        bytes_free(w->runs[i].ref.task_id);
    }
    for (uint32_t i = 0; i < w->label_count; i++) {
        bytes_free(w->labels[i]);
    }
    free(w->labels);
    free(w->runs);
    free(w->functions);
    free(w->host);
    free(w->software);
    bytes_free(w->id);
    free(w);
}

void worker_free(struct core *c, struct worker *w)
{
    timer_clear(c, &w->timer);
    for (uint32_t i = 0; i < w->run_count; i++) {
        run_end(c, &w->runs[i]);
    }
    functions_leave(c, w);
    fx_bury(c, worker_destroy, w); /* an answer of this turn may point to it */
}

static struct worker *worker_create(struct core *c, const struct message *hello)
{
    struct worker *w = mem_zalloc(sizeof *w);
    w->serial = c->next_serial++;
    w->id = bytes_of(mem_str_bytes(hello->hello.id), hello->hello.id.len);
    w->host = mem_str_bytes(hello->hello.host);
    w->software = mem_str_bytes(hello->hello.software);
    w->pid = hello->hello.pid;
    w->slots = hello->hello.slots;
    w->timer.kind = TIMER_WORKER;
    functions_join(c, w, hello);
    MEM_GROW(c->by_serial, c->worker_count, c->worker_cap);
    c->by_serial[c->worker_count++] = w;
    map_put(&c->workers, w->id, w);
    return w;
}

struct worker *worker_join(struct core *c, const struct message *hello, peer_id peer)
{
    struct worker *w = map_get(&c->workers, hello->hello.id);
    if (w == NULL) {
        w = worker_create(c, hello);
        fx_log(c, LOG_INFO, "worker_joined",
               "worker=%.*s host=%s pid=%u slots=%u functions=%u version=\"%s\"", (int)w->id.len,
               (const char *)w->id.ptr, w->host, w->pid, w->slots, w->function_count, w->software);
    } else if (w->peer != 0) {
        fx_close(c, w->peer, "the worker has connected again");
        on_peer_down(c, w->peer);
    }
    timer_set(c, &w->timer, w->run_count > 0 ? c->now.mono + RUNNING_WITHIN_MS : NEVER_MS);
    w->peer = peer;
    w->credit = 0;
    w->heard_wall = c->now.wall;
    return w;
}

/* The connection is gone: its credits are void; what it runs goes on for the resume grace. */
void worker_disconnected(struct core *c, struct worker *w)
{
    c->credit_sum -= w->credit;
    w->credit = 0;
    w->peer = 0;
    timer_set(c, &w->timer, c->now.mono + c->config.resume_grace_ms);
}

struct step *step_run_by(struct core *c, const struct worker *w, const struct attempt_ref *ref)
{
    struct partition *p = partition_of(c, ref->task_id);
    struct task *t = partition_serves(p) ? task_find(c, ref->task_id) : NULL;
    struct step *s = t != NULL && t->run == ref->run ? unit_find(t, ref->step, ref->item) : NULL;
    bool runs = s != NULL && s->phase == PHASE_RUNNING && work_of(s)->worker == w->serial &&
                s->deliveries == ref->delivery && s->generation == ref->generation;
    return runs && token_valid(&c->secret, t, ref) ? s : NULL;
}

void worker_gone(struct core *c, struct worker *w)
{
    c->stats.workers_lost_total++;
    fx_log(c, LOG_WARN, "worker_lost", "worker=%.*s host=%s pid=%u running=%u", (int)w->id.len,
           (const char *)w->id.ptr, w->host, w->pid, w->run_count);
    const char *why =
        arena_printf(fx_arena(c), "the worker %.*s (pid %u on %s) died while it ran this step",
                     (int)w->id.len, (const char *)w->id.ptr, w->pid, w->host);
    for (uint32_t i = 0; i < w->run_count; i++) {
        struct step *s = step_run_by(c, w, &w->runs[i].ref);
        if (s != NULL && !planted(PLANT_RUNNING_FORGOTTEN)) {
            step_worker_died(c, s, bytes_str(why));
        }
    }
    for (size_t i = 0; i < c->worker_count; i++) {
        if (c->by_serial[i] == w) {
            memmove(&c->by_serial[i], &c->by_serial[i + 1],
                    (c->worker_count - i - 1) * sizeof(struct worker *));
            c->worker_count--;
            break;
        }
    }
    map_remove(&c->workers, w->id);
    worker_free(c, w);
}

/* It is not back within the grace, or is back and has not said what it runs. */
void worker_timer(struct core *c, struct worker *w)
{
    if (w->peer != 0) {
        fx_close(c, w->peer, "it has not said what it runs");
        on_peer_down(c, w->peer);
    }
    worker_gone(c, w);
}

/* ---- claims ---- */

/* t: the task as it is in memory, NULL where it is not; what was decided about it may not be
 * durable yet, and an attempt stopped for nothing would be spent. It counts no more as one that the
 * worker has: where the list crossed with our ACK, nothing else would be heard of it. elsewhere: it
 * is wanted, but others have it, or its place: what we say of that is void once we are replaced. */
static void stop_claimed(struct core *c, const struct task *t, struct worker *w,
                         const struct attempt_ref *ref, bool elsewhere)
{
    struct reply r;
    bool over = t == NULL || task_state_ended(t->state) || t->run != ref->run;
    reply_begin(c, t, w->peer, 0, &r);
    r.message->stop.ref = *ref;
    r.message->stop.ref.task_id = arena_bytes(r.arena, ref->task_id);
    r.message->stop.reason = over ? STOP_TASK_ENDED : STOP_SUPERSEDED;
    r.message->stop.elsewhere = elsewhere && !planted(PLANT_STOP_UNMARKED);
    reply_send(&r, MSG_STOP);
    worker_run_remove(c, w, ref);
}

/* The step was claimed by a guess; another worker has it, or nobody. */
static void drop_guess(struct core *c, struct run *r, struct step *s)
{
    hold_drop(c, r->hold); /* the place in the limit belongs to whoever has the attempt */
    r->hold = NULL;
    s->phase = PHASE_NONE;
    step_become(s, STEP_PENDING);
}

/* Another worker now says that it runs what this worker was guessed to run. */
static void unguess(struct core *c, const struct worker *w, struct step *s)
{
    struct worker *other = s->phase == PHASE_RUNNING && work_of(s)->worker != w->serial
                               ? worker_by_serial(c, work_of(s)->worker)
                               : NULL;
    struct run *r = other != NULL ? worker_run_of(c, other, s) : NULL;
    if (r == NULL || !r->guessed) {
        return;
    }
    drop_guess(c, r, s);
    struct attempt_ref ref = r->ref;
    worker_run_remove(c, other, &ref);
}

/* What a worker says it runs is running, where its token is good and current; else it is told to
 * stop. guess: it said so before the partition was ours, and not since; what it does not run any
 * more is not to be stopped, and what it does run, it will say. */
static void claim(struct core *c, struct worker *w, const struct attempt_ref *ref, bool guess)
{
    struct partition *p = partition_of(c, ref->task_id);
    if (!partition_serves(p) || planted(PLANT_CLAIMS_IGNORED)) {
        return;
    }
    struct task *t = task_find(c, ref->task_id);
    bool ours = t != NULL && t->run == ref->run && !task_state_ended(t->state);
    struct step *s = ours ? fan_unit(c, t, ref, false) : NULL;
    if (s == NULL || task_state_ended(t->state) || t->run != ref->run) {
        if (!guess) {
            stop_claimed(c, t, w, ref, ours);
        }
        return;
    }
    bool current = !step_over(s) && s->generation == ref->generation &&
                   s->deliveries == ref->delivery && s->needs_left == 0;
    current = current && token_valid(&c->secret, t, ref);
    if (current && !guess) {
        unguess(c, w, s);
    }
    bool elsewhere = s->phase == PHASE_RUNNING && work_of(s)->worker != w->serial;
    if (!current || elsewhere) {
        if (!guess) {
            stop_claimed(c, t, w, ref, current);
        }
        return;
    }
    if (s->phase == PHASE_RUNNING) {
        return;
    }
    step_unqueue(c, s);
    step_clock_start(c, s);
    s->phase = PHASE_RUNNING;
    step_become(s, STEP_RUNNING);
    work_make(s)->worker = w->serial;
    work_make(s)->checkpoint_saved_at = c->now.mono;
    if (s->started_at == 0) {
        s->started_at = c->now.wall;
    }
    hold_claim(c, w, s);
    task_step_started(c, s);
}

/* What it was sent before we lost the partition, too; but that may have been declined to another
 * owner since: the RUNNING which answers our OWNED has the last word. */
void workers_claim(struct core *c, struct partition *p)
{
    for (size_t i = 0; i < c->worker_count; i++) {
        struct worker *w = c->by_serial[i];
        for (uint32_t k = 0; k < w->run_count; k++) {
            if (partition_of(c, w->runs[k].ref.task_id) == p && !w->runs[k].stopping) {
                w->runs[k].guessed = true;
                claim(c, w, &w->runs[k].ref, true);
            }
        }
    }
}

/* A key per attempt: thousands of claims are looked up in a map, not compared pairwise. */
static struct bytes ref_key(struct arena *arena, const struct attempt_ref *ref)
{
    const uint32_t numbers[] = {ref->run,        ref->step,    ref->item,
                                ref->generation, ref->attempt, ref->delivery};
    size_t fixed = sizeof numbers + TOKEN_BYTES;
    uint8_t *key = arena_alloc(arena, fixed + ref->task_id.len);
    memcpy(key, numbers, sizeof numbers);
    memcpy(key + sizeof numbers, ref->token, TOKEN_BYTES);
    memcpy(key + fixed, ref->task_id.ptr, ref->task_id.len);
    return bytes_of(key, fixed + ref->task_id.len);
}

/* Is this attempt to go on? Those that the worker was told to stop are the last of its list. They
 * claim nothing: another worker that runs the same may be about to say so; if none does, the step
 * is dispatched anew. */
static bool goes_on(const struct message *m, const struct attempt_ref *ref)
{
    size_t from_here = (size_t)(&m->running.refs[m->running.count] - ref);
    return from_here > m->running.stopping;
}

/* Collects what RUNNING lists: key of an attempt -> its ref. */
static void list_said(struct core *c, const struct message *m, struct map *ret_said)
{
    for (uint32_t i = 0; i < m->running.count; i++) {
        struct attempt_ref *ref = &m->running.refs[i];
        if (id_valid(ref->task_id)) {
            map_put(ret_said, ref_key(fx_arena(c), ref), ref);
        }
    }
}

/* The worker does not have the order: as if it had not been sent. */
static void come_back(struct core *c, struct step *s)
{
    s->phase = PHASE_NONE;
    step_become(s, STEP_PENDING);
    if (!s->task->awaits_claims) { /* else another worker may say that it has it */
        step_make_ready(c, s);
    }
    budget_room(c, s->task);
}

static void take_listed(struct core *c, struct run *r, struct step *s, bool goes_on)
{
    if (s != NULL && r->guessed && !goes_on) {
        drop_guess(c, r, s);
        come_back(c, s);
    }
    r->ordered_after = 0;
    r->guessed = false;
    r->stopping = !goes_on;
}

/* RUNNING lists all that the worker has. After a new connection what we sent and it does not list
 * never arrived; a draining worker hands it back. Later ones cross with orders that are on their
 * way, which stay: those that we sent after the OWNED which the worker had heard when it wrote. It
 * may have written before it heard of what we have gained: then its answer is still to come. */
void on_running(struct core *c, struct peer *p, const struct message *m)
{
    struct worker *w = p->worker;
    if (m->running.count > ATTEMPTS_PER_WORKER_MAX) {
        fx_close(c, p->id, "it claims to run too many attempts");
        return;
    }
    bool arrived = !p->speaks || w->draining;
    struct map said = {0};
    timer_clear(c, &w->timer);
    list_said(c, m, &said);
    for (uint32_t i = 0; i < w->run_count;) {
        struct run *r = &w->runs[i];
        struct step *s = step_run_by(c, w, &r->ref);
        bool crossing = s != NULL && r->ordered_after > 0 && !arrived &&
                        r->ordered_after >= m->running.heard && !planted(PLANT_CROSSING_LOST);
        const struct attempt_ref *listed = map_remove(&said, ref_key(fx_arena(c), &r->ref));
        if (listed != NULL) {
            take_listed(c, r, s, goes_on(m, listed));
        }
        if (listed != NULL || crossing) {
            i++;
            continue;
        }
        if (s != NULL) {
            come_back(c, s);
        }
        run_drop(c, w, &w->runs[i]);
    }
    for (uint32_t i = 0; i < m->running.count; i++) {
        const struct attempt_ref *ref = &m->running.refs[i];
        if (!id_valid(ref->task_id) || !goes_on(m, ref)) {
            continue;
        }
        if (map_remove(&said, ref_key(fx_arena(c), ref)) != NULL) {
            run_append(w, ref);
        }
        claim(c, w, ref, false);
    }
    map_free(&said);
    p->speaks = true;
    p->answered = m->running.heard;
}

/* The worker hands an order back that it has not begun. */
void on_decline(struct core *c, struct peer *p, const struct attempt_ref *ref)
{
    struct step *s = step_run_by(c, p->worker, ref);
    worker_run_remove(c, p->worker, ref);
    if (s != NULL) {
        come_back(c, s);
    }
}

void on_credit(struct core *c, struct peer *p, const struct message *m)
{
    struct worker *w = p->worker;
    uint32_t most = w->slots * 2 + PREFETCH_MAX; /* a bound against a broken worker */
    uint32_t more = m->credit.count;
    if (!p->speaks || more > most || w->credit + more > most) {
        fx_close(c, p->id, "credits out of bounds, or before RUNNING");
        return;
    }
    w->credit += more;
    c->credit_sum += more;
}
