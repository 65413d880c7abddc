/* What each sentinel says about the master, and which sentinel is believed. Pure.
 *
 * A failover raises the master's config-epoch, and the sentinels hear of it one after another: if
 * two disagree, the one with the higher epoch is right. A sentinel that is partitioned together
 * with the old master keeps naming that: so we do not go back to a lower epoch, unless most
 * sentinels answer and none has a higher one (the master was removed and registered anew). */
#ifndef MARATHON_STORE_SENTINEL_VIEW_H
#define MARATHON_STORE_SENTINEL_VIEW_H

#include "base/clock.h"
#include "store/redis_url.h"

#define SENTINEL_FRESH_MS 3000 /* an older view is ignored: three queries without an answer */

struct redisReply;

struct sentinel_view {
    bool known; /* it has named a master */
    mono_ms heard_at;
    uint64_t epoch;
    struct redis_node master;
};

/* reply: to SENTINEL GET-MASTER-ADDR-BY-NAME. False if it is not an address. */
bool sentinel_read_address(const struct redisReply *reply, struct redis_node *ret_node);
/* reply: to SENTINEL MASTER. Its config-epoch, or 0 if it has none. */
uint64_t sentinel_read_epoch(const struct redisReply *reply);

/* Chooses the view to follow from now on; NULL: no change. followed: the view with which the
 * current master was first followed (`known` is false at the start). The first choice needs answers
 * of most sentinels, unless hurry. */
const struct sentinel_view *sentinel_choose(const struct sentinel_view *views, uint32_t count,
                                            const struct sentinel_view *followed, mono_ms now,
                                            bool hurry);
bool sentinel_same_master(const struct redis_node *a, const struct redis_node *b);
bool sentinel_is_fresh(const struct sentinel_view *v, mono_ms now);

#endif
