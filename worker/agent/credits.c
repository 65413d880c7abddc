/* Credits: how many orders each coordinator may send. A granted credit cannot be revoked. So shares
 * depend only on the number of coordinators, and the share of a lost one is lent to the others only
 * after AGENT_LEND_MS. */
#include <assert.h>

#include "agent/state.h"

/* Do long-running attempts hold all slots? Then an order beyond the slots would only wait. The
 * attempt that began last decides. */
static bool stuck(const struct agent *a)
{
    const struct attempt_list *running = &a->in[ATTEMPT_RUNNING];
    return running->count >= a->config.slots &&
           a->now.mono - running->last->started >= AGENT_QUICK_MS;
}

static uint32_t capacity(const struct agent *a)
{
    bool quick = a->mean_ms < AGENT_QUICK_MS && !stuck(a);
    return a->config.slots + (quick ? a->config.prefetch : 0);
}

static uint32_t welcomed_count(const struct agent *a)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->peer_count; i++) {
        n += a->peers[i].welcomed && !a->peers[i].closing;
    }
    return n;
}

/* The number of coordinators that share the capacity. */
static uint32_t divisor(const struct agent *a)
{
    uint32_t n = welcomed_count(a);
    if (a->now.mono < a->lend_at && n < a->config.coordinators) {
        n = a->config.coordinators;
    }
    return n > 0 ? n : 1;
}

static bool may_grant(const struct agent *a)
{
    /* A step that waits to run alone must not be overtaken for ever, nor be followed by orders that
     * another worker could run now. */
    return !a->draining && a->alone == 0 && a->held_bytes < AGENT_HELD_BYTES_MAX &&
           a->in[ATTEMPT_HELD].count < HELD_PER_SLOT_MAX * (a->config.slots + a->config.prefetch);
}

/* Credits that can still be granted before this worker holds as many attempts as coordinators
 * accept (ATTEMPTS_PER_WORKER_MAX). The bound is needed because capacity that was lent to one
 * coordinator may be granted to another as well. */
static uint32_t left(const struct agent *a)
{
    uint32_t most = (HELD_PER_SLOT_MAX + 1) * (a->config.slots + a->config.prefetch);
    struct agent_stats s = agent_stats(a);
    assert(most <= ATTEMPTS_PER_WORKER_MAX);
    uint32_t all = s.waiting + s.running + s.held + s.credits;
    return most > all ? most - all : 0;
}

void credits_grant(struct agent *a)
{
    if (!may_grant(a)) {
        return;
    }
    uint32_t total = capacity(a);
    uint32_t load = a->in[ATTEMPT_WAITING].count + a->in[ATTEMPT_RUNNING].count;
    uint32_t n = divisor(a);
    uint32_t most = left(a);
    uint32_t extra = total % n;
    for (uint32_t i = 0; i < a->peer_count; i++) {
        struct peer *p = &a->peers[i];
        if (!p->welcomed || p->closing) {
            continue;
        }
        uint32_t share = total / n;
        if (extra > 0) {
            share++;
            extra--;
        }
        share =
            share > 0 ? share : 1; /* with more coordinators than slots each may still send one */
        uint32_t own = p->granted + p->orders;
        /* Unused credits of others must not starve this coordinator: only attempts that are here
         * count against it. */
        uint32_t room = total > load + p->granted ? total - load - p->granted : 0;
        uint32_t give = share > own ? share - own : 0;
        give = give < room ? give : room;
        give = give < most ? give : most;
        if (give > 0 && a->now.mono >= p->credit_at) {
            fx_send(a, p->id, MSG_CREDIT)->credit.count = give;
            p->granted += give;
            most -= give;
        }
    }
}
