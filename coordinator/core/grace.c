#include "core/grace.h"

#include <assert.h>

#include "core/change.h"
#include "core/fan.h"
#include "core/partition.h"
#include "core/peers.h"
#include "core/plant.h"
#include "core/ready.h"
#include "core/state.h"
#include "core/tasks.h"
#include "core/timers.h"
#include "core/wait.h"

#define CLAIMS_LOOK_MS 20 /* how often is checked whether all claims are in */

/* Makes the task's steps ready, once the changes made during the grace are durable. */
static void ready_behind_writes(struct core *c, struct task *t)
{
    struct change ch;
    change_begin(c, t, &ch);
    change_ready_all(&ch);
    change_commit(&ch);
}

void grace_over(struct core *c, struct task *t)
{
    t->awaits_claims = false;
    if (task_state_ended(t->state)) {
        return;
    }
    if (t->started_at != 0) {
        task_start_clock(c, t);
    }
    if (t->writes_pending > 0) {
        ready_behind_writes(c, t);
    }
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        struct step *s = &t->steps[i];
        if (s->state == STEP_PENDING && s->phase == PHASE_NONE && s->needs_left == 0) {
            step_make_ready(c, s);
            /* it began during the grace: its items may have come back */
        } else if (s->phase == PHASE_ITEMS) {
            fan_go_on(c, s);
        }
    }
    bool waited = t->state == TASK_WAITING;
    task_review(c, t);
    if (t->state == TASK_WAITING && !waited) { /* lists read it in the store */
        struct change ch;
        change_begin(c, t, &ch);
        change_commit(&ch);
    }
}

/* Are claims still to come? A worker on a busy machine, which is not known to be dead, may take
 * longer than the grace to say what it runs; a step sent elsewhere meanwhile would run twice. If we
 * were slow to say that we own the partition, nobody was asked yet; and a worker that has just
 * connected has not said anything. */
static bool claims_to_come(struct core *c, const struct partition *p)
{
    bool waits = !partition_told(c, p);
    void *value = NULL;
    for (size_t i = 0; !waits && map_next(&c->peers, &i, &value);) {
        const struct peer *peer = value;
        waits = peer->worker != NULL && peer->answered < peer->asked;
    }
    return waits && c->now.mono < p->claims_by && !planted(PLANT_CLAIMS_UNAWAITED);
}

void graces_forgive(struct core *c)
{
    for (int i = 0; i < PARTITION_COUNT; i++) {
        c->partitions[i].claims_by = c->now.mono + c->config.silence_ms;
    }
}

/* The partition's timer: the claim grace is over, unless claims are still to come. */
void partition_timer(struct core *c, struct partition *p)
{
    assert(p->state == PARTITION_GRACE);
    if (claims_to_come(c, p)) {
        timer_set(c, &p->timer, c->now.mono + CLAIMS_LOOK_MS);
        return;
    }
    p->state = PARTITION_OWNED;
    c->partitions_moved = true;
    for (struct task *t = p->tasks; t != NULL; t = t->next) {
        grace_over(c, t);
    }
}
