/* Tasks that rest: PAUSE, RESUME, and a budget that is spent (on_pause.c). */
#ifndef MARATHON_CORE_ON_PAUSE_H
#define MARATHON_CORE_ON_PAUSE_H

#include "model/state.h"

struct change;
struct core;
struct deed;
struct message;
struct peer;

void on_pause(struct core *c, struct peer *p, const struct message *m);
void on_resume(struct core *c, struct peer *p, const struct message *m);
/* Makes the task rest as part of this change: no further step is dispatched, its clock stands. */
void task_rest(struct change *ch, enum task_state state);
void task_pause(struct change *ch, const struct deed *deed);

#endif
