/* A store that goes back to older data: a replica that was promoted without the last writes, a
 * backup that was restored. No promise holds then, but it must not pass unnoticed: each partition
 * remembers the newest owner record and the last acknowledged row that it knows of. */
#include "core/rollback.h"

#include "core/fx.h"
#include "core/partition.h"
#include "core/plant.h"
#include "core/state.h"
#include "core/tasks.h"

void rollback_found(struct core *c, const struct partition *p, const char *what)
{
    c->stats.rollbacks_total++;
    fx_log(
        c, LOG_ERROR, "store_rolled_back",
        "partition=%u what=\"%s\" then=\"its tasks are read again; what was acknowledged after "
        "that older state is lost\" hint=\"find out why Redis has older data (a failover without "
        "WAIT, an older file restored, appendfsync not always), and which tasks clients miss\"",
        p->id, what);
}

bool rollback_seen(struct core *c, struct partition *p, const struct owner_record *r)
{
    const struct fence none = {0};
    const struct fence *now = r->exists ? &r->fence : &none;
    bool same = fence_same(now, &p->known);
    const char *what = NULL;
    if (now->epoch < p->known.epoch) {
        what = r->exists ? "an older owner" : "no owner record";
    } else if (now->epoch == p->known.epoch && !same) {
        what = "another owner under the same epoch";
    } else if (same && r->beat < p->known_beat) {
        what = "an older heartbeat of its owner";
    }
    if (what != NULL && !planted(PLANT_ROLLBACK_UNSEEN)) {
        rollback_found(c, p, what);
    }
    p->known = *now;
    p->known_beat = r->beat;
    return what != NULL;
}

void rollback_note_acked(struct core *c, struct partition *p, const struct task *t,
                         uint64_t version)
{
    (void)c;
    struct acked *a = &p->acked;
    memcpy(a->task_id, t->id.ptr, t->id.len);
    a->task_id[t->id.len] = '\0';
    a->run = t->run;
    a->version = version;
    a->created_at = t->created_at;
    a->ended = task_state_ended(t->state);
    a->fence = p->fence;
}

/* Is t older than what was acknowledged? An id that is used again after its record expired begins
 * at run 1: that is a newer task. Only a task that had ended can have expired, as far as is known;
 * of others the time of creation tells, unless the clock was set back meanwhile. */
static bool older(const struct task *t, const struct acked *a)
{
    if (t->created_at != a->created_at) {
        return !a->ended && t->run < a->run && t->created_at < a->created_at;
    }
    return t->run < a->run || (t->run == a->run && t->version < a->version);
}

/* That the task is not there proves nothing: it may have ended by a row whose answer never came. */
void rollback_check_loaded(struct core *c, struct partition *p)
{
    const struct acked *a = &p->acked;
    const struct task *t = a->task_id[0] != '\0' ? task_find(c, bytes_str(a->task_id)) : NULL;
    if (planted(PLANT_ROLLBACK_UNSEEN)) {
        t = NULL;
    }
    if (t != NULL && older(t, a)) {
        rollback_found(c, p, "an older version of a task");
    }
    p->acked.task_id[0] = '\0';
}
