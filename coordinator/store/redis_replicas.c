/* Confirmation of writes by replicas, before anybody learns of them: a WAIT after each batch, each
 * publication, and at the start. A batch that too few replicas confirm is treated like one without
 * an answer: the connection is given up, and its rows are STORE_UNKNOWN.
 *
 * WAIT blocks its connection until the replicas have everything that this connection has written or
 * read: one round trip to a replica per batch. */
#include <stdio.h>

#include "store/redis_reply.h"
#include "store/redis_store.h"

/* Two batches, one after the other, must fit into deadline_ms. */
#define WAIT_MS(s) ((s)->deadline_ms / 2)

static void lacking(struct redis_store *s, const char *why)
{
    snprintf(s->lacking, sizeof s->lacking, "%s", why);
    redis_tell_admission(s);
    link_fail(s->link, s->lacking);
}

void redis_confirm(struct redis_store *s, redis_reply_fn *fn, void *user)
{
    command_begin(&s->command, "WAIT");
    command_add_uint(&s->command, s->replicas_wanted);
    command_add_uint(&s->command, (uint64_t)WAIT_MS(s));
    redis_send(s, fn, user);
}

bool redis_confirmed(struct redis_store *s, const struct redisReply *reply)
{
    if (reply_is_error(reply, "")) {
        redis_refused(s, "waiting for replicas", reply);
        return false;
    }
    if (reply_uint(reply) >= s->replicas_wanted) {
        return true;
    }
    char why[STORE_TEXT_BYTES];
    snprintf(why, sizeof why,
             "%u of the %u replicas of MARATHON_REDIS_WAIT confirmed a write within %lld ms: bring "
             "replicas back, or ask for fewer",
             (unsigned)reply_uint(reply), s->replicas_wanted, (long long)WAIT_MS(s));
    s->stats.unconfirmed_total++;
    lacking(s, why);
    return false;
}

/* Answer to a write that changes nothing: does Redis accept writes at all? */
static void on_write(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (reply_is_error(reply, "NOREPLICAS")) {
        lacking(s, "redis refuses writes, it has fewer replicas than its min-replicas-to-write: "
                   "bring replicas back");
    } else if (reply_is_error(reply, "READONLY")) {
        redis_refused(s, "getting ready", reply);
    }
}

static void on_ready(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (s->replicas_wanted == 0 || redis_confirmed(s, reply)) {
        s->lacking[0] = '\0';
        redis_tell_admission(s);
    }
}

void redis_replicas_ask(struct redis_store *s)
{
    command_begin(&s->command, "DEL");
    redis_add_key(s, KEY_NEVER, s->some_partition, BYTES_NONE);
    redis_send(s, on_write, s);
    if (s->replicas_wanted > 0) {
        redis_confirm(s, on_ready, s);
    } else {
        command_begin(&s->command, "PING");
        redis_send(s, on_ready, s);
    }
}
