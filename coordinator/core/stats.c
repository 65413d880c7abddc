/* What the core has counted, for /metrics. */
#include "core/functions.h"
#include "core/lanes.h"
#include "core/peers.h"
#include "core/state.h"
#include "core/workers.h"

#define HEARD_WITHIN_MS 2000 /* eight reads of the owners' records, twice the store's deadline */

static void count_peers(const struct core *c, struct core_stats *s)
{
    void *value = NULL;
    for (size_t i = 0; map_next(&c->peers, &i, &value);) {
        s->gateways += ((const struct peer *)value)->role == ROLE_GATEWAY;
    }
    for (size_t i = 0; i < c->worker_count; i++) {
        s->steps_running += worker_busy(c, c->by_serial[i]);
    }
}

static void count_unplaced(const struct core *c, struct core_stats *s)
{
    size_t n = 0;
    for (size_t i = 0; i < c->function_count && n < UNPLACED_SHOWN; i++) {
        const struct function *f = &c->functions[i];
        if (f->name != NULL && f->ready.count + f->laned > 0 && f->worker_count == 0) {
            const char *wants = f->requires[0] != '\0' ? (const char *)f->key.ptr : f->name;
            s->unplaced[n++] = (struct unplaced){wants, f->ready.count + f->laned};
        }
    }
}

const char *audit_kind_name(enum audit_kind k)
{
    static const char *const names[AUDIT_KIND_COUNT] = {
        "step_lost",  "step_misplaced", "timer_lost", "needs_wrong",  "ttl_on_live", "not_listed",
        "ended_mark", "record_lost",    "version",    "listed_ended", "task_lost"};
    return names[k];
}

struct core_stats core_stats(const struct core *c)
{
    struct core_stats s = c->stats;
    s.workers = c->worker_count;
    s.steps_ready = c->ready_count;
    s.steps_delayed = c->delayed_count;
    s.limit_lanes = c->lanes.count;
    s.limit_holds = holds_count(c);
    s.writes_pending = c->write_count;
    s.reads_pending = c->asks.count;
    s.watches = c->watch_count;
    s.store_up = c->store_up;
    s.heard_store = c->store_up && c->now.mono - c->store_heard_at <= HEARD_WITHIN_MS;
    s.admission_closed = c->admission_closed;
    for (int i = 0; i < REMARK_COUNT; i++) {
        s.remarks[i] = c->remarks[i];
    }
    s.used = &c->used;
    count_peers(c, &s);
    count_unplaced(c, &s);
    return s;
}
