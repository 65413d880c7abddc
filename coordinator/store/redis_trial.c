/* Would a start be accepted? Asked at the start and with each check of the gate, by a call of the
 * admitting function with names of keys that starts write, and without rows. Redis refuses it for
 * the reasons for which it would refuse a start: at maxmemory, when it cannot persist, and when its
 * user lacks rights. */
#include <stdio.h>

#include "store/redis_reply.h"
#include "store/redis_store.h"

#define RIGHTS_NEEDED                                                                              \
    "~checkpoint:* ~error:* ~marathon:* +@all -@admin -@dangerous +config|get +info +role +keys"

void redis_full(struct redis_store *s, const struct redisReply *reply)
{
    char text[STORE_TEXT_BYTES];
    bool memory = reply_is_error(reply, "OOM");
    snprintf(text, sizeof text, "redis accepts no new tasks, running ones go on: %s (%.120s)",
             memory ? "it has reached maxmemory" : "it cannot persist what is written", reply->str);
    bool news = s->remarks[REMARK_FULL][0] == '\0';
    redis_remark(s, REMARK_FULL, text);
    if (news && s->phase == REDIS_READY) {
        redis_gate_later(s);
    }
}

static void deny(struct redis_store *s, const char *text)
{
    snprintf(s->denied, sizeof s->denied, "%s", text);
    redis_tell_admission(s);
}

static void on_trial(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (reply_is_error(reply, "OOM") || reply_is_error(reply, "MISCONF")) {
        redis_full(s, reply);
    } else if (reply_is_error(reply, "NOPERM")) {
        char text[STORE_TEXT_BYTES];
        snprintf(text, sizeof text, "%.100s: the Redis user needs " RIGHTS_NEEDED, reply->str);
        deny(s, text);
    } else if (!reply_is_error(reply, "")) {
        deny(s, "");
        redis_remark(s, REMARK_FULL, "");
    } /* other errors say nothing about that: a redirection, for example */
}

void redis_trial_send(struct redis_store *s)
{
    static const enum redis_key keys[] = {KEY_NEVER, KEY_DOC, KEY_ERROR};
    /* In the form of rows_plan: one owner, whose fence is number 1 of one fence, which is empty. */
    const char plan[] = {s->names.tags ? '{' : 'p', 1, 1, (char)s->some_partition, 1};
    if (s->names.tags && s->member == NULL) {
        return; /* the `home` store of a cluster: starts do not go there */
    }
    redis_call_begin(s, "FCALL", "admit");
    command_add_uint(&s->command, sizeof keys / sizeof keys[0]);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        redis_add_key(s, keys[i], s->some_partition, BYTES_NONE);
    }
    command_add(&s->command, bytes_of(plan, sizeof plan));
    command_add_str(&s->command, "");
    redis_send(s, on_trial, s);
}
