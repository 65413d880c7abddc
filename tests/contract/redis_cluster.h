/* A private Redis Cluster for a test: masters (and replicas, where wanted) on free ports. */
#ifndef MARATHON_TESTS_REDIS_CLUSTER_H
#define MARATHON_TESTS_REDIS_CLUSTER_H

#include <stdint.h>

#include "redis_server.h"

#define CLUSTER_MASTERS 3

struct redis_cluster {
    struct redis_server masters[CLUSTER_MASTERS];
    int ports[CLUSTER_MASTERS];
    int buses[CLUSTER_MASTERS];
    char ids[CLUSTER_MASTERS][41];
    char url[128]; /* names the first two: the third is found by them */
};

/* Each master has a third of the slots; waits until all of them say that it is well. */
void redis_cluster_start(struct redis_cluster *c);
void redis_cluster_finish(struct redis_cluster *c);
/* One more server, which has all of that master's data when this returns. */
void redis_cluster_add_replica(struct redis_cluster *c, int master, struct redis_server *replica);
/* From here on this node gives another up that it has not heard of for 1.5 s, not for a minute. */
void redis_cluster_be_impatient(struct redis_server *node);
void redis_cluster_flush(struct redis_cluster *c); /* all data, not the functions */
int redis_cluster_master_of(struct redis_cluster *c, const char *key); /* index; asks the first */
long long redis_cluster_slot(struct redis_cluster *c, const char *key);

/* The steps of a slot's move, as an operator's tool takes them. */
void redis_cluster_move_begin(struct redis_cluster *c, long long slot, int from, int to);
/* Moves up to `count` keys; how many that were. */
int redis_cluster_move_keys(struct redis_cluster *c, long long slot, int from, int to, int count);
void redis_cluster_move_end(struct redis_cluster *c, long long slot, int from, int to);

#endif
