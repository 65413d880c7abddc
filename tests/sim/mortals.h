/* What will expire in a world's store, and when: ended tasks and idempotency keys. */
#ifndef MARATHON_SIM_MORTALS_H
#define MARATHON_SIM_MORTALS_H

#include "contract/redis_server.h"
#include "sim/store_model.h"

struct mortal {
    struct buf task_id, key; /* key: hex; empty: the task itself */
    mono_ms at;
};

/* Zero-initialise. */
struct mortals {
    struct mortal *all;
    size_t count, cap;
};

/* NEVER_MS: it lives. */
void mortals_set(struct mortals *m, struct bytes task_id, struct bytes key, mono_ms at);
/* Takes over what the model knows of a task's end. */
void mortals_learn(struct mortals *m, struct store_model *model, struct bytes task_id, mono_ms now);
/* Deletes from Redis the keys whose time has come. */
void mortals_expire(struct mortals *m, struct redis_server *server, mono_ms now);
void mortals_free(struct mortals *m);

#endif
