/* Ownership of partitions: observe, claim, load, hold a grace for the workers' claims, own, renew,
 * release.
 *
 * UNSEEN -> FOREIGN -> CLAIMING -> LOADING -> GRACE -> OWNED -> RELEASING -> FOREIGN; anything that
 * goes wrong leads back to UNSEEN by partition_drop, and from there through a new claim with a new
 * epoch. The lease needs no wall clock: see README.md. */
#include "core/partition.h"

#include <assert.h>

#include "core/asks.h"
#include "core/fx.h"
#include "core/grace.h"
#include "core/members.h"
#include "core/on_watch.h"
#include "core/peers.h"
#include "core/plant.h"
#include "core/record.h"
#include "core/recover.h"
#include "core/rollback.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/timers.h"
#include "core/workers.h"
#include "core/writes.h"

#define TELL_WITHIN_MS 50
/* pause between two reads of the owners while we wait for a partition: for that long nobody serves
 * it */
#define HAND_OVER_MS 25
/* A partition handed over to a coordinator is left to it for this long; it claims it with its next
 * read of the owners. Gateways keep requests longer */
#define HANDED_OVER_MS_MAX 500

struct partition *partition_of(struct core *c, struct bytes task_id)
{
    return &c->partitions[id_partition(task_id)];
}

bool partition_serves(const struct partition *p)
{
    return p->state == PARTITION_GRACE || p->state == PARTITION_OWNED;
}

bool partition_told(const struct core *c, const struct partition *p)
{
    return (c->owned_told >> p->id & 1) != 0;
}

static void enter(struct core *c, struct partition *p, enum partition_state state)
{
    p->state = state;
    c->partitions_moved = true;
}

static uint64_t bit(partition_id id)
{
    return (uint64_t)1 << id;
}

/* Peers are told once of a claim of many partitions: a gained one waits a moment for the others
 * that are on their way, a lost one is told at once. */
static bool tell_later(struct core *c, uint64_t mask)
{
    bool more_to_come = false;
    for (int i = 0; i < PARTITION_COUNT; i++) {
        enum partition_state s = c->partitions[i].state;
        more_to_come = more_to_come || s == PARTITION_CLAIMING || s == PARTITION_LOADING;
    }
    if (!more_to_come || (c->owned_told & ~mask) != 0) {
        return false;
    }
    if (c->tell_by == NEVER_MS) {
        c->tell_by = c->now.mono + TELL_WITHIN_MS;
    }
    return c->now.mono < c->tell_by;
}

struct message partitions_owned(struct core *c)
{
    struct message m = {.type = MSG_OWNED};
    m.owned.partitions = c->owned_told;
    m.owned.number = c->owned_number;
    m.owned.epochs = arena_alloc(fx_arena(c), PARTITION_COUNT * sizeof *m.owned.epochs);
    for (int i = 0; i < PARTITION_COUNT; i++) {
        if ((c->owned_told & bit((partition_id)i)) != 0) {
            m.owned.epochs[m.owned.epoch_count++].epoch = c->partitions[i].fence.epoch;
        }
    }
    return m;
}

void partitions_tell(struct core *c)
{
    if (!c->partitions_moved && c->tell_by == NEVER_MS) {
        return; /* most events change no partition's state */
    }
    c->partitions_moved = false;
    uint64_t mask = 0;
    for (int i = 0; i < PARTITION_COUNT; i++) {
        if (partition_serves(&c->partitions[i])) {
            mask |= bit((partition_id)i);
        }
    }
    c->stats.partitions = mask;
    if (mask == c->owned_told) {
        c->tell_by = NEVER_MS; /* what was gained has been lost again: nothing is left to tell */
        return;
    }
    if (tell_later(c, mask)) {
        return;
    }
    bool gained = (mask & ~c->owned_told) != 0;
    watches_drop_partitions(c, c->owned_told & ~mask);
    c->tell_by = NEVER_MS;
    c->owned_told = mask;
    c->owned_number++;
    struct message m = partitions_owned(c);
    void *value = NULL;
    for (size_t i = 0; map_next(&c->peers, &i, &value);) {
        struct peer *peer = value;
        fx_send(c, peer->id, &m);
        peer->asked = gained ? c->owned_number : peer->asked;
    }
    fx_log(c, LOG_INFO, "partitions_owned", "count=%d", __builtin_popcountll(mask));
}

void partition_drop(struct core *c, struct partition *p, const char *why)
{
    bool held = p->state >= PARTITION_CLAIMING;
    enter(c, p, PARTITION_UNSEEN);
    p->beat_ms = 0;
    timer_clear(c, &p->timer);
    if (!held) {
        return;
    }
    if (p->ever_owned && why != NULL) {
        fx_log(c, LOG_WARN, "partition_dropped", "partition=%u why=\"%s\"", p->id, why);
    }
    c->stats.partitions_dropped_total += p->ever_owned && why != NULL;
    writes_drop(c, p);
    while (p->tasks != NULL) {
        task_remove(c, p->tasks);
    }
}

static void claim(struct core *c, struct partition *p, const struct owner_record *seen)
{
    struct pending_write *w = write_create(c, ROW_CLAIM, p->id);
    struct store_row row = {.kind = ROW_CLAIM, .write_id = w->write_id, .partition = p->id};
    row.claim_absent = !seen->exists;
    row.fence = seen->fence;
    row.claim.epoch = ++p->epoch_most;
    if (!fence_same(&seen->fence, &p->acked.fence)) {
        p->acked.task_id[0] = '\0'; /* another coordinator has owned it since */
    }
    memcpy(row.claim.nonce, c->config.instance, NONCE_BYTES);
    row.owner = bytes_str(c->config.name);
    enter(c, p, PARTITION_CLAIMING);
    bool handed_over = seen->owner.len == 0;
    p->takeover = !handed_over && !partition_mine(c, seen->fence.nonce);
    p->takeover_row = p->takeover || (!handed_over && p->takeover_row != 0) ? UINT64_MAX : 0;
    p->fence = row.claim;
    p->renew_sent_at = c->now.mono;
    fx_write(c, &row);
}

bool partition_mine(const struct core *c, const uint8_t nonce[NONCE_BYTES])
{
    return memcmp(nonce, c->config.instance, NONCE_BYTES) == 0;
}

bool fence_same(const struct fence *a, const struct fence *b)
{
    return a->epoch == b->epoch && memcmp(a->nonce, b->nonce, NONCE_BYTES) == 0;
}

/* Claims the partition where it is free: never owned, handed over (to us, or to nobody in
 * particular), our own of before (a lost answer), or its beat has not moved for a lease of answered
 * time. One that was handed over to another coordinator is left to that one only for a while: it
 * may be gone by now, and until a claim nobody serves the partition. */
static void observe(struct core *c, struct partition *p, const struct owner_record *r,
                    mono_ms passed)
{
    bool handed_over = r->owner.len == 0 && (!r->wished || partition_mine(c, r->wish));
    bool ours = r->owner.len > 0 && partition_mine(c, r->fence.nonce);
    /* A claim must be above all epochs that were ever in force, even if the store has forgotten
     * them. */
    p->epoch_most = r->fence.epoch > p->epoch_most ? r->fence.epoch : p->epoch_most;
    if (!r->exists || handed_over || ours) {
        claim(c, p, r);
        return;
    }
    if (p->state == PARTITION_FOREIGN && p->beat == r->beat && fence_same(&p->fence, &r->fence)) {
        p->beat_ms += passed;
        bool left = r->owner.len == 0;
        if (p->beat_ms >= (left ? HANDED_OVER_MS_MAX : c->config.lease_ms)) {
            fx_log(c, LOG_WARN, left ? "hand_over_missed" : "lease_expired",
                   "partition=%u epoch=%llu", p->id, (unsigned long long)r->fence.epoch);
            claim(c, p, r);
        }
        return;
    }
    enter(c, p, PARTITION_FOREIGN);
    p->fence = r->fence;
    p->beat = r->beat;
    p->beat_ms = 0;
}

static void release(struct core *c, struct partition *p)
{
    struct pending_write *w = write_create(c, ROW_RELEASE, p->id);
    struct store_row row = {
        .kind = ROW_RELEASE, .write_id = w->write_id, .partition = p->id, .fence = p->fence};
    fx_write(c, &row);
    /* Rows are applied in order: all our earlier rows are durable before anybody else can
     * claim it */
    enter(c, p, PARTITION_RELEASING);
    timer_clear(c, &p->timer);
}

/* At a drain. Handed over before its tasks were read, it would be a takeover for nobody: where that
 * is to fail them, the next one has to take it over itself. */
static void give_up(struct core *c, struct partition *p)
{
    if (p->takeover_row == UINT64_MAX && !c->config.recovery_enabled) {
        partition_drop(c, p, NULL);
    } else {
        release(c, p);
    }
}

/* Its part of the store cannot be reached. That says nothing about its owner: counting the owner's
 * silence begins anew. One of ours is dropped by its next row or the end of its lease. */
static void unsee(struct core *c, struct partition *p)
{
    if (p->state == PARTITION_FOREIGN) {
        enter(c, p, PARTITION_UNSEEN);
    }
    p->beat_ms = 0;
}

void partition_on_owners(struct core *c, const struct store_answer *a)
{
    c->observing = false;
    if (a->err != ERR_OK) {
        c->observed_at = NEVER_MS;
        return;
    }
    /* Only time between two answers counts as silence, and never more than two periods of it: a
     * store or a loop that stood still says nothing about an owner. */
    mono_ms passed = c->observed_at == NEVER_MS ? 0 : c->now.mono - c->observed_at;
    if (passed > 2 * c->config.observe_ms) {
        passed = 2 * c->config.observe_ms;
    }
    c->observed_at = c->now.mono;
    c->store_heard_at = c->now.mono;
    if (c->draining) {
        return;
    }
    bool all_seen = true;
    for (int i = 0; i < PARTITION_COUNT; i++) {
        struct partition *p = &c->partitions[i];
        const struct owner_record *r = &a->owners[i];
        if (r->unseen && !planted(PLANT_UNSEEN_IS_GONE)) {
            all_seen = false;
            unsee(c, p);
            continue;
        }
        if (rollback_seen(c, p, r) && p->state >= PARTITION_LOADING) {
            partition_drop(c, p, "the store has gone back");
        }
        if (p->state == PARTITION_UNSEEN || p->state == PARTITION_FOREIGN) {
            observe(c, p, r, passed);
        } else if (p->state == PARTITION_OWNED && r->wished && fence_same(&p->fence, &r->fence)) {
            release(c, p);
        }
    }
    if (all_seen) { /* shares and members cannot be judged from a part of the records */
        members_learn(c, a->owners);
        bool shares = !c->config.standby || planted(PLANT_STANDBY_WISHES);
        c->wishing = shares && partitions_share(c, a->owners);
    }
}

static void load_page(struct core *c, struct partition *p, uint64_t cursor)
{
    struct ask *ask = ask_create(c, ASK_LIVE);
    if (ask == NULL) {
        partition_drop(c, p, "too many reads are waiting");
        return;
    }
    ask->partition = p->id;
    struct store_read read = {.kind = READ_LIVE, .partition = p->id, .cursor = cursor};
    ask_send(c, ask, &read);
}

void partition_on_claimed(struct core *c, partition_id id, enum store_verdict verdict)
{
    struct partition *p = &c->partitions[id];
    if (p->state != PARTITION_CLAIMING) {
        return;
    }
    if (verdict != STORE_OK) {
        partition_drop(c, p, "another coordinator claimed it first");
        return;
    }
    enter(c, p, PARTITION_LOADING);
    p->ever_owned = true;
    c->stats.takeovers_total += p->takeover;
    p->renewed_at = p->renew_sent_at;
    p->known = p->fence;
    p->known_beat = 0;
    if (c->draining) { /* the claim was on its way when the drain began */
        give_up(c, p);
        return;
    }
    load_page(c, p, 0);
}

static void load_task(struct core *c, struct partition *p, const struct task_record *r)
{
    if (task_find(c, r->task_id) != NULL) {
        return; /* pages may overlap */
    }
    struct task *t = NULL;
    if (record_get_task(&c->definitions, r, &t) != ERR_OK) {
        fx_log(c, LOG_ERROR, "record_unreadable", "task_id=%.*s partition=%u", (int)r->task_id.len,
               (const char *)r->task_id.ptr, p->id);
        return;
    }
    if (task_state_ended(t->state)) {
        task_free(t);
        return;
    }
    task_loaded(c, t);
    t->awaits_claims = true;
    task_insert(c, t);
}

void partition_on_live(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct partition *p = &c->partitions[ask->partition];
    if (p->state != PARTITION_LOADING) {
        return;
    }
    if (a->err != ERR_OK) {
        partition_drop(c, p, "its tasks could not be read");
        return;
    }
    for (uint32_t i = 0; i < a->task_count; i++) {
        load_task(c, p, &a->tasks[i]);
    }
    if (a->cursor != 0) {
        load_page(c, p, a->cursor);
        return;
    }
    rollback_check_loaded(c, p);
    enter(c, p, PARTITION_GRACE);
    timer_set(c, &p->timer, c->now.mono + c->config.claim_grace_ms);
    p->claims_by = c->now.mono + c->config.silence_ms;
    if (p->takeover_row != 0) {
        uint64_t next = c->next_write;
        for (struct task *t = p->tasks; t != NULL; t = t->next) {
            task_taken_over(c, t);
        }
        p->takeover_row = c->next_write > next ? c->next_write - 1 : 0;
    }
    workers_claim(c, p);
}

void partition_on_renewed(struct core *c, partition_id id, enum store_verdict verdict)
{
    struct partition *p = &c->partitions[id];
    p->renewing = false;
    if (p->state < PARTITION_LOADING) {
        return;
    }
    if (verdict == STORE_OK) {
        p->renewed_at = p->renew_sent_at;
        return;
    }
    partition_drop(c, p, verdict == STORE_FENCED ? "fenced" : "its lease could not be renewed");
}

void partition_on_stored(struct core *c, partition_id id, uint64_t write_id)
{
    struct partition *p = &c->partitions[id];
    p->takeover_row = write_id >= p->takeover_row ? 0 : p->takeover_row;
}

static void renew(struct core *c, struct partition *p)
{
    if (p->renewing) {
        return; /* one at a time: the answer confirms the send time of its renewal */
    }
    p->renewing = true;
    struct pending_write *w = write_create(c, ROW_RENEW, p->id);
    struct store_row row = {.kind = ROW_RENEW,
                            .write_id = w->write_id,
                            .partition = p->id,
                            .fence = p->fence,
                            .ttl_s = c->config.ttl_s};
    p->renew_sent_at = c->now.mono;
    fx_write(c, &row);
}

void partition_on_released(struct core *c, partition_id id)
{
    partition_drop(c, &c->partitions[id], NULL);
}

void partitions_drain(struct core *c)
{
    c->draining = true;
    for (int i = 0; i < PARTITION_COUNT; i++) {
        struct partition *p = &c->partitions[i];
        if (p->state >= PARTITION_LOADING && p->state != PARTITION_RELEASING) {
            give_up(c, p);
        }
    }
}

void partitions_store_down(struct core *c)
{
    fx_log(c, LOG_WARN, "store_down",
           "partitions=%d then=\"they are claimed again when it is back\"",
           __builtin_popcountll(c->owned_told));
    for (int i = 0; i < PARTITION_COUNT; i++) {
        partition_drop(c, &c->partitions[i], NULL);
    }
    c->observing = false;
    c->observed_at = NEVER_MS;
}

/* For its owner a lease ends 500 ms early, counted from when the last good renewal was sent. */
void partitions_check_leases(struct core *c)
{
    if (c->now.mono == c->leases_checked_at) {
        return; /* looked at in this millisecond already: none has ended since */
    }
    c->leases_checked_at = c->now.mono;
    for (int i = 0; i < PARTITION_COUNT; i++) {
        struct partition *p = &c->partitions[i];
        if (p->state >= PARTITION_LOADING && p->state != PARTITION_RELEASING &&
            !planted(PLANT_LEASE_UNCHECKED) &&
            c->now.mono - p->renewed_at > c->config.lease_ms - 500) {
            partition_drop(c, p, "its lease ran out");
        }
    }
}

void partitions_tick(struct core *c)
{
    if (!c->store_up) {
        return;
    }
    if (c->now.mono >= c->next_renew) {
        c->next_renew = c->now.mono + c->config.renew_ms;
        for (int i = 0; i < PARTITION_COUNT; i++) {
            struct partition *p = &c->partitions[i];
            if (p->state >= PARTITION_LOADING && p->state != PARTITION_RELEASING) {
                renew(c, p);
            }
        }
    }
    if (!c->draining && !c->observing && c->now.mono >= c->next_observe) {
        struct ask *ask = ask_create(c, ASK_OWNERS);
        if (ask != NULL) {
            c->next_observe = c->now.mono + (c->wishing ? HAND_OVER_MS : c->config.observe_ms);
            c->observing = true;
            struct store_read read = {.kind = READ_OWNERS};
            ask_send(c, ask, &read);
        }
    }
}

bool partition_adopt(struct core *c, struct partition *p, const struct task_record *r)
{
    assert(p->state == PARTITION_OWNED && task_find(c, r->task_id) == NULL);
    load_task(c, p, r);
    struct task *t = task_find(c, r->task_id);
    if (t == NULL) {
        return false;
    }
    workers_claim(c, p);
    grace_over(c, t);
    return true;
}
