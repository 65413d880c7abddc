/* SIGNAL: what a wait step waits for. The first signal of a name wins. One that comes before its
 * step's turn is kept in the first step that may wait for it, which bounds how many are kept; it is
 * taken by the first step that does wait, since the one that keeps it may be skipped. */
#include "core/change.h"
#include "core/marks.h"
#include "core/peers.h"
#include "core/plant.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/task.h"
#include "core/tasks.h"
#include "core/wait.h"
#include "core/writes.h"
#include "model/limits.h"

static bool hears(const struct step *s, struct bytes name)
{
    const struct pipeline_wait *w = &step_def(s)->wait;
    return w->kind == WAIT_SIGNAL && bytes_is(name, w->signal);
}

struct step *signal_kept(const struct step *s)
{
    struct task *t = s->task;
    if (step_def(s)->wait.kind != WAIT_SIGNAL || planted(PLANT_SIGNAL_SWALLOWED)) {
        return NULL;
    }
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        struct step *other = &t->steps[i];
        if (rare_of(other)->signal.len > 0 && hears(other, bytes_str(step_def(s)->wait.signal))) {
            return other;
        }
    }
    return NULL;
}

/* The first step that waits for this signal, else the first that can keep it; NULL where none
 * can. */
static struct step *find_taker(struct task *t, const struct signal_request *r, bool *ret_named)
{
    struct step *taker = NULL;
    *ret_named = false;
    for (uint32_t i = 0; i < t->pipeline->step_count; i++) {
        struct step *s = &t->steps[i];
        if (!hears(s, r->name)) {
            continue;
        }
        *ret_named = true;
        if (s->state != STEP_PENDING || rare_of(s)->mark.key != 0) {
            continue;
        }
        if (step_waits(s)) {
            return s;
        }
        taker = taker != NULL ? taker : s;
    }
    return taker;
}

static void refuse_signal(struct core *c, const struct task *t, const struct peer *p,
                          const struct message *m, bool named)
{
    struct reply r;
    reply_begin(c, t, p->id, m->request, &r);
    struct message *a = r.message;
    a->refused.state = t->state;
    if (named) {
        a->refused.code = CODE_SIGNAL_TAKEN;
        a->refused.detail =
            BYTES_LIT("no step of this task waits for this signal any longer: it was "
                      "given before (the first one wins), or the wait is over");
    } else {
        struct buf b = {0};
        const char *between = "; its steps wait for ";
        buf_add_str(&b, "no step of this task waits for a signal with this name");
        for (uint32_t i = 0; i < t->pipeline->step_count && b.len < 300; i++) {
            const struct pipeline_wait *w = &t->pipeline->steps[i].wait;
            if (w->kind == WAIT_SIGNAL) {
                buf_addf(&b, "%s%s", between, w->signal);
                between = ", ";
            }
        }
        a->refused.code = CODE_UNKNOWN_SIGNAL;
        a->refused.pointer = BYTES_LIT("/name");
        a->refused.detail = arena_bytes(r.arena, buf_bytes(&b));
        buf_free(&b);
    }
    reply_send(&r, MSG_REFUSED);
}

void on_signal(struct core *c, struct peer *p, const struct message *m)
{
    struct task *t = task_find(c, m->signal.task_id);
    bool named = false;
    if (m->signal.key == 0 || m->signal.data.len == 0 || m->signal.data.len > SIGNAL_BYTES_MAX) {
        refuse(c, p->id, m->request, CODE_INVALID_FIELD,
               "a signal has a key and 1 byte to 64 KiB of data");
        return;
    }
    if (t == NULL) {
        on_query(c, p, m);
        return;
    }
    struct marked_ask from = {p->id, m->request, signal_mark_of(&m->signal)};
    if (signal_repeated(c, t, &from)) {
        return;
    }
    if (task_state_ended(t->state)) {
        refuse_for(c, t, p, m, CODE_TASK_ENDED);
        return;
    }
    struct step *s = find_taker(t, &m->signal, &named);
    if (s == NULL) {
        refuse_signal(c, t, p, m, named);
        return;
    }
    struct change ch;
    change_begin(c, t, &ch);
    struct task_event *e = change_deed(&ch, EVENT_SIGNAL, s->index, &m->signal.deed);
    e->message = arena_bytes(&ch.write->arena, m->signal.name);
    wait_take_signal(&ch, s, m->signal.data, from.mark);
    change_commit(&ch);
    signal_answer(c, t, s, &from);
}
