#include "core/replies.h"

#include <assert.h>

#include "core/asks.h"
#include "core/fx.h"
#include "core/peers.h"
#include "core/plant.h"
#include "core/recover.h"
#include "core/writes.h"

#define STEPS_NAMED_BYTES_MAX 400 /* of names in a refusal: it is read by people */

void reply_begin(struct core *c, const struct task *t, peer_id peer, uint64_t request,
                 struct reply *ret_reply)
{
    struct reply r = {.core = c, .peer = peer};
    if (t != NULL && t->writes_pending > 0 && !planted(PLANT_REPLY_BEFORE_COMMIT)) {
        r.write = write_find(c, t->last_write);
        assert(r.write != NULL);
    }
    r.arena = r.write != NULL ? &r.write->arena : fx_arena(c);
    r.message =
        r.write != NULL ? write_hold(r.write, peer) : arena_alloc(r.arena, sizeof *r.message);
    r.message->request = request;
    *ret_reply = r;
}

void reply_send(struct reply *r, enum message_type type)
{
    r->message->type = type;
    if (r->write == NULL) {
        fx_send(r->core, r->peer, r->message);
    }
}

const char *no_such_step(struct core *c, const struct pipeline *p)
{
    struct buf b = {0};
    buf_add_str(&b, "the pipeline has no step of this name or step_id");
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (b.len > STEPS_NAMED_BYTES_MAX) {
            buf_addf(&b, " and %u more", p->step_count - i);
            break;
        }
        buf_addf(&b, "%s%s", i == 0 ? "; it has " : ", ", p->steps[i].name);
    }
    const char *text = arena_str(fx_arena(c), buf_cstr(&b));
    buf_free(&b);
    return text;
}

struct refusal refusal_at(const char *pointer, enum code code, const char *detail)
{
    return (struct refusal){.code = code, .detail = detail, .pointer = pointer};
}

void refuse_with(struct core *c, peer_id peer, uint64_t request, struct refusal r)
{
    if (peer == 0) {
        return;
    }
    struct message m = {.type = MSG_REFUSED, .request = request};
    m.refused.code = r.code;
    m.refused.detail = bytes_str(arena_str(fx_arena(c), r.detail));
    if (r.pointer != NULL) {
        m.refused.pointer = bytes_str(arena_str(fx_arena(c), r.pointer));
    }
    m.refused.state = r.state;
    if (r.code == CODE_UNAVAILABLE || r.code == CODE_OVERLOADED ||
        r.code == CODE_TOO_MANY_REQUESTS || r.code == CODE_STORE_FULL) {
        m.refused.retry_after_s = 1;
    }
    fx_send(c, peer, &m);
}

void refuse(struct core *c, peer_id peer, uint64_t request, enum code code, const char *detail)
{
    refuse_with(c, peer, request, (struct refusal){.code = code, .detail = detail});
}

void ask_refuse(struct core *c, const struct ask *ask, struct refusal r)
{
    refuse_with(c, ask->peer, ask->request, r);
}

/* Behind the state of the task: who may be asked for that. */
static const char *who_may(const struct task *t, enum code code)
{
    return code == CODE_NOTHING_TO_RECOVER  ? recover_who_may(t)
           : code == CODE_NOT_PAUSED        ? "; only a paused one can be resumed"
           : code == CODE_NOT_A_DEAD_LETTER ? " and has no dead letter"
                                            : "";
}

void refuse_for(struct core *c, const struct task *t, const struct peer *p,
                const struct message *request, enum code code)
{
    struct reply r;
    reply_begin(c, t, p->id, request->request, &r);
    r.message->refused.code = code;
    r.message->refused.state = t->state;
    r.message->refused.detail = bytes_str(
        arena_printf(r.arena, "the task is %s%s", task_state_name(t->state), who_may(t, code)));
    reply_send(&r, MSG_REFUSED);
}

void refuse_unavailable(struct core *c, peer_id peer, uint64_t request)
{
    refuse(c, peer, request, CODE_UNAVAILABLE,
           "the store or the owner of this task is away; the outcome is unknown until it is back");
}

void refuse_writes_full(struct core *c, peer_id peer, uint64_t request)
{
    refuse(
        c, peer, request, CODE_OVERLOADED,
        "this coordinator has too many changes on their way to the store: try again in a second");
}

void ask_refuse_no_task(struct core *c, const struct ask *ask)
{
    refuse(c, ask->peer, ask->request, CODE_TASK_NOT_FOUND,
           "there is no such task, or it has expired");
}
