/* Watches: gateways that are told what happens to a task (on_watch.c). */
#ifndef MARATHON_CORE_ON_WATCH_H
#define MARATHON_CORE_ON_WATCH_H

#include "core/core.h"

struct peer;
struct task_event;

#define WATCHES_MAX 65536 /* (gateway, task) pairs */

void on_watch(struct core *c, struct peer *p, const struct message *m);
void on_unwatch(struct core *c, peer_id peer, struct bytes task_id);
void watch_tell(struct core *c, struct bytes task_id, struct task_event *events, uint32_t count);
void watches_drop_peer(struct core *c, peer_id peer);
void watches_drop_partitions(struct core *c, uint64_t lost); /* lost: mask of partitions */

#endif
