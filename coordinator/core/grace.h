/* The grace after a load: workers say what they run before anything of it is sent out. */
#ifndef MARATHON_CORE_GRACE_H
#define MARATHON_CORE_GRACE_H

struct core;
struct partition;
struct task;

void partition_timer(struct core *c, struct partition *p);
/* For a task that was loaded: what nobody runs may be sent out. */
void grace_over(struct core *c, struct task *t);
/* The loop stood still: claims may lie in its sockets, and are read first. */
void graces_forgive(struct core *c);

#endif
