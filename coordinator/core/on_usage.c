/* GET_USAGE: the usage of all tasks of our partitions, from the store's sums, which outlive the
 * tasks. */
#include "core/asks.h"
#include "core/fx.h"
#include "core/replies.h"
#include "core/requests.h"
#include "core/state.h"
#include "model/usage_groups.h"

void on_get_usage(struct core *c, const struct peer *p, const struct message *m)
{
    const struct usage_request *u = &m->get_usage;
    struct ask *ask = ask_for(c, p, m, ASK_USAGE);
    if (ask == NULL) {
        return;
    }
    ask->usage_by = u->by & USAGE_BY_ALL;
    ask->partitions = c->owned_told;
    struct store_read read = {.kind = READ_USAGE, .partitions = ask->partitions};
    read.first_day = u->first_day;
    read.last_day = u->last_day;
    if (read.first_day < 0 || read.last_day < read.first_day ||
        read.last_day - read.first_day >= (int32_t)USAGE_DAYS_MAX) {
        read.first_day = read.last_day > 0 ? read.last_day : 0;
        read.last_day = read.first_day;
    }
    ask_send(c, ask, &read);
}

void usage_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a)
{
    struct usage_groups groups = {.by = ask->usage_by};
    struct message m = {.type = MSG_USAGE, .request = ask->request};
    if (a->err != ERR_OK) {
        refuse_unavailable(c, ask->peer, ask->request);
        return;
    }
    for (uint32_t i = 0; i < a->usage_count; i++) {
        usage_groups_add(&groups, &a->usage[i]);
    }
    m.usage.count = groups.count;
    m.usage.cut = groups.cut;
    m.usage.partitions = ask->partitions;
    m.usage.rows = arena_alloc(fx_arena(c), (groups.count + 1) * sizeof *m.usage.rows);
    for (uint32_t i = 0; i < groups.count; i++) {
        m.usage.rows[i] = groups.rows[i];
        m.usage.rows[i].model = arena_bytes(fx_arena(c), groups.rows[i].model);
        m.usage.rows[i].task_type = arena_bytes(fx_arena(c), groups.rows[i].task_type);
    }
    fx_send(c, ask->peer, &m);
    usage_groups_free(&groups);
}
