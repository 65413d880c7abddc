/* What each sentinel says of the master, and which of them is followed. Pure.
 *
 * A failover raises the master's config-epoch, and the sentinels hear of it one after the other: of
 * two that disagree the one with the higher epoch is right. One that is alone with an old master
 * (a partition) goes on to name it: what was once followed is not left for a lower epoch, unless
 * most of the sentinels say so (the master was removed and named anew). */
#ifndef MARATHON_STORE_SENTINEL_VIEW_H
#define MARATHON_STORE_SENTINEL_VIEW_H

#include "base/clock.h"
#include "store/redis_url.h"

#define SENTINEL_FRESH_MS 3000 /* an older view says nothing: three questions without an answer */

struct redisReply;

struct sentinel_view {
    bool known; /* it has named a master */
    mono_ms heard_at;
    uint64_t epoch;
    struct redis_node master;
};

/* reply: of SENTINEL GET-MASTER-ADDR-BY-NAME. False where it is no address. */
bool sentinel_read_address(const struct redisReply *reply, struct redis_node *ret_node);
/* reply: of SENTINEL MASTER. Its config-epoch, 0 where it says none. */
uint64_t sentinel_read_epoch(const struct redisReply *reply);

/* Of the views of all sentinels the one to follow from now on, or NULL: go on as before. followed:
 * the view by which its master was first followed, not known at the start; before the first, most
 * of them must have answered, unless hurry. */
const struct sentinel_view *sentinel_choose(const struct sentinel_view *views, uint32_t count,
                                            const struct sentinel_view *followed, mono_ms now,
                                            bool hurry);
bool sentinel_same_master(const struct redis_node *a, const struct redis_node *b);
bool sentinel_is_fresh(const struct sentinel_view *v, mono_ms now);

#endif
