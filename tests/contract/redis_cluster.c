#include "redis_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "free_port.h"

#define WAIT_TRIES 6000 /* of 10 ms */
#define SLOTS      16384

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void wait_for(struct redis_server *server, const char *command, const char *text)
{
    for (int tries = 0; strstr(raw(server, command)->str, text) == NULL; tries++) {
        if (tries > WAIT_TRIES) {
            fail_msg("%s does not say %s", command, text);
        }
        nap();
    }
}

/* Nodes wait for each other for a minute: one that a busy machine holds up is not given up. */
static int start_node(struct redis_server *server, int bus_at)
{
    redis_server_init(server);
    bool tls = server->tls_port != 0;
    int at = tls ? server->tls_port : free_port();
    char port[8], bus[8];
    snprintf(port, sizeof port, "%d", at);
    snprintf(bus, sizeof bus, "%d", bus_at);
    const char *const extra[] = {tls ? "--tls-port" : "--port",
                                 port,
                                 "--tls-cluster",
                                 tls ? "yes" : "no",
                                 "--tls-replication",
                                 tls ? "yes" : "no",
                                 "--bind",
                                 "127.0.0.1",
                                 "--cluster-port",
                                 bus,
                                 "--cluster-enabled",
                                 "yes",
                                 "--cluster-node-timeout",
                                 "60000",
                                 "--cluster-require-full-coverage",
                                 "no",
                                 NULL};
    redis_server_start(server, extra);
    return at;
}

void redis_cluster_start(struct redis_cluster *c)
{
    for (int i = 0; i < CLUSTER_MASTERS; i++) {
        struct redis_server *m = &c->masters[i];
        c->ports[i] = start_node(m, c->buses[i] = free_port());
        snprintf(c->ids[i], sizeof c->ids[i], "%s", raw(m, "CLUSTER MYID")->str);
        raw(m, "CLUSTER SET-CONFIG-EPOCH %d", i + 1);
        raw(m, "CLUSTER ADDSLOTSRANGE %d %d", SLOTS * i / CLUSTER_MASTERS,
            SLOTS * (i + 1) / CLUSTER_MASTERS - 1);
        if (i > 0) {
            raw(m, "CLUSTER MEET 127.0.0.1 %d %d", c->ports[0], c->buses[0]);
        }
    }
    snprintf(c->url, sizeof c->url, "%s+cluster://127.0.0.1:%d,127.0.0.1:%d",
             c->masters[0].tls_port != 0 ? "rediss" : "redis", c->ports[0], c->ports[1]);
    for (int i = 0; i < CLUSTER_MASTERS; i++) {
        wait_for(&c->masters[i], "CLUSTER INFO", "cluster_known_nodes:3");
        wait_for(&c->masters[i], "CLUSTER INFO", "cluster_size:3");
        wait_for(&c->masters[i], "CLUSTER INFO", "cluster_state:ok");
    }
}

void redis_cluster_add_replica(struct redis_cluster *c, int master, struct redis_server *replica)
{
    (void)start_node(replica, free_port());
    raw(replica, "CLUSTER MEET 127.0.0.1 %d %d", c->ports[0], c->buses[0]);
    wait_for(replica, "CLUSTER INFO", "cluster_known_nodes:4");
    wait_for(replica, "CLUSTER INFO", "cluster_state:ok");
    assert_string_equal(raw(replica, "CLUSTER REPLICATE %s", c->ids[master])->str, "OK");
    wait_for(replica, "INFO replication", "master_link_status:up");
    for (int i = 0; i < CLUSTER_MASTERS; i++) { /* who does not know it does not elect it */
        wait_for(&c->masters[i], "CLUSTER NODES", "slave");
    }
}

void redis_cluster_be_impatient(struct redis_server *node)
{
    assert_string_equal(raw(node, "CONFIG SET cluster-node-timeout 1500")->str, "OK");
}

void redis_cluster_finish(struct redis_cluster *c)
{
    for (int i = 0; i < CLUSTER_MASTERS; i++) {
        redis_server_finish(&c->masters[i]);
    }
}

void redis_cluster_flush(struct redis_cluster *c)
{
    for (int i = 0; i < CLUSTER_MASTERS; i++) {
        assert_string_equal(raw(&c->masters[i], "FLUSHALL")->str, "OK");
    }
}

long long redis_cluster_slot(struct redis_cluster *c, const char *key)
{
    return raw(&c->masters[0], "CLUSTER KEYSLOT %s", key)->integer;
}

int redis_cluster_master_of(struct redis_cluster *c, const char *key)
{
    long long slot = redis_cluster_slot(c, key);
    redisReply *reply = raw(&c->masters[0], "CLUSTER SLOTS");
    for (size_t i = 0; i < reply->elements; i++) {
        redisReply *range = reply->element[i];
        for (int m = 0; m < CLUSTER_MASTERS; m++) {
            if (slot >= range->element[0]->integer && slot <= range->element[1]->integer &&
                range->element[2]->element[1]->integer == c->ports[m]) {
                return m;
            }
        }
    }
    fail_msg("nobody has the slot of %s", key);
    return -1;
}

void redis_cluster_move_begin(struct redis_cluster *c, long long slot, int from, int to)
{
    redisReply *reply =
        raw(&c->masters[to], "CLUSTER SETSLOT %lld IMPORTING %s", slot, c->ids[from]);
    assert_string_equal(reply->str, "OK");
    reply = raw(&c->masters[from], "CLUSTER SETSLOT %lld MIGRATING %s", slot, c->ids[to]);
    assert_string_equal(reply->str, "OK");
}

int redis_cluster_move_keys(struct redis_cluster *c, long long slot, int from, int to, int count)
{
    char keys[16][256];
    redisReply *reply = raw(&c->masters[from], "CLUSTER GETKEYSINSLOT %lld %d", slot, count);
    int n = (int)reply->elements;
    assert_true(n <= 16);
    for (int i = 0; i < n; i++) {
        snprintf(keys[i], sizeof keys[i], "%s", reply->element[i]->str);
    }
    for (int i = 0; i < n; i++) {
        reply = raw(&c->masters[from], "MIGRATE 127.0.0.1 %d %s 0 5000", c->ports[to], keys[i]);
        assert_string_equal(reply->str, "OK");
    }
    return n;
}

void redis_cluster_move_end(struct redis_cluster *c, long long slot, int from, int to)
{
    const int order[] = {to, from, 3 - from - to}; /* who has it, who had it, the third */
    for (int i = 0; i < CLUSTER_MASTERS; i++) {
        redisReply *reply =
            raw(&c->masters[order[i]], "CLUSTER SETSLOT %lld NODE %s", slot, c->ids[to]);
        assert_string_equal(reply->str, "OK");
    }
}
