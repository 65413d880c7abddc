/* CANCEL: answered when it is durable; what runs is being stopped meanwhile. */
#include "core/change.h"
#include "core/peers.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/step_end.h"
#include "core/task.h"
#include "core/tasks.h"

void on_cancel(struct core *c, struct peer *p, const struct message *m)
{
    struct task *t = task_find(c, m->task.task_id);
    if (t == NULL) {
        on_query(c, p, m); /* ended or unknown: the store knows which */
        return;
    }
    if (task_state_ended(t->state)) {
        refuse_for(c, t, p, m, CODE_TASK_ENDED);
        return;
    }
    struct change ch;
    change_begin(c, t, &ch);
    task_clear_error(t);
    t->error_code = CODE_CANCELLED;
    task_end(&ch, TASK_CANCELLED, &m->task.deed);
    change_commit(&ch);
    struct reply r;
    reply_begin(c, t, p->id, m->request, &r);
    r.message->done.task_id = arena_bytes(r.arena, t->id);
    r.message->done.state = TASK_CANCELLED;
    reply_send(&r, MSG_DONE);
}
