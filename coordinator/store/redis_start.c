/* From an open connection to `up`: authentication and database, the start gate, the function
 * library, the secret, the pipelines. Repeats the gate every 10 s. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "store/redis_reply.h"
#include "store/redis_store.h"

#define GATE_EVERY_MS 10000
/* while starts are refused for a reason that may go away at any time */
#define GATE_CLOSED_MS 1000

#define REPLICA_TEXT                                                                               \
    "redis is a replica: point REDIS_URL at the master, or set \"replicaof no one\" in redis.conf"

#define DEMOTED_TEXT                                                                               \
    "redis is a replica, and the sentinels still name it as the master: asked again until they "   \
    "name another"

#define UNSEEN_TEXT                                                                                \
    "CONFIG is not permitted: the start gate cannot see maxmemory-policy, appendonly and "         \
    "appendfsync; give the Redis user +config|get"

/* ---- the gate ---- */

void redis_tell_admission(struct redis_store *s)
{
    const char *finding = gate_finding(&s->gate, s->relaxed);
    const char *why = s->fault[0] != '\0'     ? s->fault
                      : finding != NULL       ? finding
                      : s->lacking[0] != '\0' ? s->lacking
                      : s->denied[0] != '\0'  ? s->denied
                                              : "";
    if (strcmp(s->closed, why) == 0) {
        return;
    }
    snprintf(s->closed, sizeof s->closed, "%s", why);
    s->handler.admission(s->handler.user, why[0] != '\0' ? s->closed : NULL);
}

/* At the start a finding keeps the store down (and ends the process with 78); later it only closes
 * admission. */
static bool gate_passes(struct redis_store *s)
{
    const char *finding = gate_finding(&s->gate, s->relaxed);
    if (finding != NULL && !s->was_ready) {
        snprintf(s->fault, sizeof s->fault, "%s", finding);
        redis_tell_admission(s);
        link_fail(s->link, finding);
        return false;
    }
    s->fault[0] = '\0';
    redis_tell_admission(s);
    const char *unsafe = "";
    if (finding == NULL && s->gate.aof[0] != '\0') {
        unsafe = s->gate.aof;
    } else if (s->gate.unseen) {
        unsafe = UNSEEN_TEXT;
    }
    if (unsafe[0] != '\0') {
        redis_note(s, unsafe);
    }
    redis_remark(s, REMARK_UNSAFE, unsafe);
    return true;
}

static void on_role(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (reply_is_error(reply, "NOPERM") || gate_is_master(reply)) {
        return;
    }
    if (reply_is_error(reply, "")) {
        redis_refused(s, "asking for the role", reply);
        return;
    }
    if (s->sentinel != NULL) {
        link_fail(s->link, DEMOTED_TEXT);
        return;
    }
    if (!s->was_ready) {
        snprintf(s->fault, sizeof s->fault, "%s", REPLICA_TEXT);
        redis_tell_admission(s);
    }
    link_fail(s->link, REPLICA_TEXT);
}

static void on_settings(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    s->gate = gate_judge(reply);
    if (s->phase == REDIS_READY) {
        (void)gate_passes(s);
    }
}

static void ask_gate(struct redis_store *s)
{
    command_begin(&s->command, "ROLE");
    redis_send(s, on_role, s);
    command_begin(&s->command, "CONFIG");
    command_add_str(&s->command, "GET");
    command_add_str(&s->command, "maxmemory-policy");
    command_add_str(&s->command, "appendonly");
    command_add_str(&s->command, "appendfsync");
    redis_send(s, on_settings, s);
}

void redis_gate_again(void *store)
{
    struct redis_store *s = store;
    if (s->phase != REDIS_READY || !link_is_open(s->link)) {
        return;
    }
    ask_gate(s);
    redis_trial_send(s);
    redis_publications_retry(s);
    redis_publications_send(s);
    link_flush(s->link);
    redis_gate_later(s);
}

void redis_gate_later(struct redis_store *s)
{
    bool refuses = s->denied[0] != '\0' || s->remarks[REMARK_FULL][0] != '\0';
    loop_timer_set(s->gate_timer,
                   loop_now(s->loop).mono + (refuses ? GATE_CLOSED_MS : GATE_EVERY_MS));
}

/* ---- steps of a start ---- */

/* Answer to AUTH, SELECT, PING, FUNCTION LOAD: only errors matter. */
static void on_fine(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (reply_is_error(reply, "") && strstr(reply->str, "already exists") == NULL) {
        redis_refused(s, "getting ready", reply);
    }
}

static void on_libraries(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (reply_is_error(reply, "")) {
        redis_refused(s, "asking for the function library (Redis 7 is needed)", reply);
        return;
    }
    s->library_missing = reply_count(reply) == 0;
}

static void load_library(struct redis_store *s)
{
    struct buf text = {0};
    library_text(s->library, &text);
    command_begin(&s->command, "FUNCTION");
    command_add_str(&s->command, "LOAD");
    command_add(&s->command, buf_bytes(&text));
    redis_send(s, on_fine, s);
    buf_free(&text);
}

static bool take_secret(struct redis_store *s, const struct redisReply *reply)
{
    if (reply_is_error(reply, "")) {
        redis_refused(s, "reading the secret", reply);
        return false;
    }
    if (hex_decode(reply_bytes(reply), s->secret, SECRET_BYTES) != ERR_OK) {
        link_fail(s->link,
                  "marathon:secret is not 64 hex digits: delete it, or put the right one back");
        return false;
    }
    return true;
}

static void on_secret(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (take_secret(s, reply)) {
        redis_pipelines_load(s);
    }
}

static void ask_secret(struct redis_store *s, redis_reply_fn *fn)
{
    command_begin(&s->command, "GET");
    redis_add_key(s, KEY_SECRET, 0, BYTES_NONE);
    redis_send(s, fn, s);
}

/* The first coordinator creates it; then all read what is stored. */
static void make_secret(struct redis_store *s)
{
    uint8_t secret[SECRET_BYTES];
    char hex[2 * SECRET_BYTES + 1];
    random_bytes(secret, sizeof secret);
    command_begin(&s->command, "SET");
    redis_add_key(s, KEY_SECRET, 0, BYTES_NONE);
    command_add_str(&s->command, hex_encode(secret, sizeof secret, hex));
    command_add_str(&s->command, "NX");
    redis_send(s, on_fine, s);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(hex, sizeof hex);
}

static void on_secret_again(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    uint8_t now[SECRET_BYTES];
    if (s->phase != REDIS_READY) {
        return;
    }
    if (reply_is_nil(reply)) {
        link_fail(s->link, "marathon:secret is gone: Redis was emptied, and is set up again");
    } else if (!reply_is_error(reply, "") &&
               hex_decode(reply_bytes(reply), now, sizeof now) == ERR_OK &&
               memcmp(now, s->secret, sizeof now) != 0) {
        link_fail(s->link, "marathon:secret has changed: Redis was emptied and set up again");
    }
    explicit_bzero(now, sizeof now);
}

void redis_secret_look(struct redis_store *s)
{
    ask_secret(s, on_secret_again);
}

/* The answer to the last question of the first round: everything that was asked is known now. */
static void on_first_secret(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (!gate_passes(s)) {
        return;
    }
    if (s->library_missing) {
        load_library(s);
    }
    if (reply_is_nil(reply)) {
        make_secret(s);
    }
    redis_replicas_ask(s);
    redis_trial_send(s); /* needs the library */
    ask_secret(s, on_secret);
}

/* ---- one node of a cluster: no secret, no pipelines ---- */

static void on_member_ready(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (reply_is_error(reply, "")) {
        redis_refused(s, "getting ready", reply);
    } else {
        redis_start_done(s);
    }
}

static void on_member_asked(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    (void)reply;
    if (!gate_passes(s)) {
        return;
    }
    if (s->library_missing) {
        load_library(s);
    }
    redis_replicas_ask(s);
    redis_trial_send(s);                /* needs the library */
    command_begin(&s->command, "PING"); /* comes after the library is loaded */
    redis_send(s, on_member_ready, s);
}

void redis_start(struct redis_store *s)
{
    struct redis_command *c = &s->command;
    s->phase = REDIS_STARTING;
    if (s->url.password[0] != '\0') {
        command_begin(c, "AUTH");
        if (s->url.user[0] != '\0') {
            command_add_str(c, s->url.user);
        }
        command_add_str(c, s->url.password);
        redis_send(s, on_fine, s);
    }
    if (s->url.db != 0) {
        command_begin(c, "SELECT");
        command_add_uint(c, (uint64_t)s->url.db);
        redis_send(s, on_fine, s);
    }
    command_begin(c, "PING"); /* answered with LOADING while Redis loads its data */
    redis_send(s, on_fine, s);
    ask_gate(s);
    command_begin(c, "FUNCTION");
    command_add_str(c, "LIST");
    command_add_str(c, "LIBRARYNAME");
    command_add_str(c, s->library);
    redis_send(s, on_libraries, s);
    if (s->member == NULL) {
        ask_secret(s, on_first_secret);
    } else {
        command_begin(c, "PING");
        redis_send(s, on_member_asked, s);
    }
}

void redis_start_done(struct redis_store *s)
{
    s->phase = REDIS_READY;
    s->was_ready = true;
    s->stats.connects_total++;
    if (s->sentinel != NULL) {
        sentinel_master_away(s->sentinel, false);
    }
    s->noted[0] = '\0';
    redis_remark(s, REMARK_AWAY, "");
    redis_gate_later(s);
    if (s->member == NULL) {
        loop_timer_set(s->changed_timer, loop_now(s->loop).mono + CHANGES_EVERY_MS);
    }
    s->handler.up(s->handler.user, s->secret);
}
