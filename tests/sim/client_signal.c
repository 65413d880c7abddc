/* A client that sends signals: a new one, the same again, and sometimes a different one under the
 * key of the last, which no step may take for the first. */
#include <stdio.h>

#include "audit.h"
#include "world.h"

/* Every fourth request of its gateway: draws no random number, so that existing worlds stay the
 * same. */
static bool by_turns(const struct client *c)
{
    return c->gateway->next_request % 4 == 3;
}

bool client_signals_late(const struct client *c)
{
    return c->signal_key != 0 && task_state_ended(c->known) && by_turns(c);
}

void client_wish_signal(struct client *c)
{
    struct world *w = c->gateway->process.world;
    struct message m = {.type = MSG_SIGNAL};
    bool late = client_signals_late(c);
    bool other = !late && by_turns(c);
    if (c->signal_key == 0 || (!late && one_in(w, 2))) { /* otherwise repeats the last one */
        c->signal_key = 1 + chance(w, UINT32_MAX);
        c->signals_go = one_in(w, 2);
    }
    snprintf(c->signal_data, sizeof c->signal_data, "{\"from\":%u,\"key\":%llu%s}", c->index,
             (unsigned long long)c->signal_key, other ? ",\"other\":1" : "");
    m.signal.task_id = bytes_str(c->task_id);
    m.signal.name = c->signals_go ? BYTES_LIT("go") : BYTES_LIT("ok");
    m.signal.data = bytes_str(c->signal_data);
    m.signal.key = c->signal_key;
    c->signal = m.signal;
    client_wish_for(c, &m);
}
