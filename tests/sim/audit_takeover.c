/* How a coordinator is configured to treat what others leave behind: with recovery switched off, a
 * task that had begun ends with its coordinator; a standby asks for no partition. */
#include "books.h"

#define TASK(t) (int)(t)->id.len, (const char *)(t)->id.ptr

/* It was not handed over, and now belongs to another coordinator. */
static bool taken(const struct audit *a, const struct store_row *claim)
{
    const struct fence *before = &a->fences[claim->partition];
    return a->owned[claim->partition] &&
           memcmp(before->nonce, claim->claim.nonce, NONCE_BYTES) != 0;
}

void audit_takeover_claims(struct audit *a, const struct store_row *row)
{
    const struct world *w = a->world;
    if (!w->forsakes || !taken(a, row)) {
        return;
    }
    for (size_t i = 0; i < w->store.task_count; i++) {
        const struct stored_task *s = w->store.tasks[i];
        struct book_task *t = book_find(a, s->id);
        if (s->ended || t == NULL || id_partition(s->id) != row->partition) {
            continue;
        }
        struct task *now = audit_read_back(a, s);
        t->forsaken = now->started_at != 0;
        task_free(now);
    }
}

void audit_takeover_ordered(struct audit *a, const struct book_task *t)
{
    REQUIRE(a, "takeover", !t->forsaken,
            "%.*s: a step is ordered, though its coordinator died and recovery is switched off",
            TASK(t));
}

void audit_takeover_row(struct audit *a, struct book_task *t, const struct task *now)
{
    REQUIRE(a, "takeover", !t->forsaken || task_state_ended(now->state),
            "%.*s is %s, though its coordinator died and recovery is switched off", TASK(t),
            task_state_name(now->state));
    REQUIRE(a, "takeover", !a->world->forsakes || now->recoveries == 0,
            "%.*s was recovered, and recovery is switched off", TASK(t));
    t->forsaken = false;
}

void audit_wished(struct audit *a, const struct coordinator *c)
{
    REQUIRE(a, "standby", !coordinator_stands_by(c), "%s stands by, and asks for a partition",
            c->process.name);
}
