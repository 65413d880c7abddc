/* The claim grace after a load: workers say what they run, before any of it is dispatched anew. */
#ifndef MARATHON_CORE_GRACE_H
#define MARATHON_CORE_GRACE_H

struct core;
struct partition;
struct task;

void partition_timer(struct core *c, struct partition *p);
/* The grace of a loaded task is over: steps that no worker has claimed may be dispatched. */
void grace_over(struct core *c, struct task *t);
/* This process stood still: claims may lie unread in its sockets, so the graces begin anew. */
void graces_forgive(struct core *c);

#endif
