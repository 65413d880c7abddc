/* Reads single versions of a pipeline and lists of versions, and watches for what other processes
 * publish: a sorted set has the names in the order in which they last changed. */
#include <stdio.h>

#include "model/limits.h"
#include "store/redis_read.h"

/* ---- one version ---- */

static void ask_pipeline(struct redis_store *s, struct bytes name, uint32_t version)
{
    struct redis_command *c = &s->command;
    redis_call_begin(s, "FCALL_RO", "pipeline");
    command_add_uint(c, 1);
    redis_add_key(s, KEY_PIPELINES, 0, BYTES_NONE);
    command_add(c, name);
    command_add_uint(c, version);
    redis_add_key(s, KEY_PIPELINE, 0, BYTES_NONE);
}

static void on_pipeline(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (!read_take(r, reply)) {
        return;
    }
    if (reply_count(reply) == 2) {
        r->answer.version = (uint32_t)reply_uint(reply_at(reply, 0));
        r->answer.source = reply_bytes(reply_at(reply, 1));
        read_keep(r);
    } else {
        r->answer.err = ERR_NOT_FOUND;
    }
    read_done(r);
}

void definition_read(struct redis_read *r)
{
    ask_pipeline(r->store, r->ask.name, r->ask.version);
    read_send(r, on_pipeline);
}

/* ---- a page of versions ---- */

/* "<hash> <at> <by>" */
static void take_entry(struct redis_read *r, struct bytes entry, struct stored_version *v)
{
    struct bytes words[2];
    for (int i = 0; i < 2; i++) {
        const uint8_t *blank = entry.len > 0 ? memchr(entry.ptr, ' ', entry.len) : NULL;
        size_t len = blank != NULL ? (size_t)(blank - entry.ptr) : entry.len;
        words[i] = bytes_part(entry, 0, len);
        entry = bytes_part(entry, len + 1, entry.len);
    }
    v->hash = arena_bytes(&r->arena, words[0]);
    v->by = arena_bytes(&r->arena, entry);
    for (size_t i = 0; i < words[1].len && i < 15; i++) {
        v->at = v->at * 10 + (words[1].ptr[i] - '0');
    }
}

static void on_versions(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    struct store_answer *a = &r->answer;
    if (!read_take(r, reply)) {
        return;
    }
    size_t count = reply_count(reply);
    uint32_t newest = (uint32_t)reply_uint(reply_at(reply, 0));
    a->err = count > 0 ? ERR_OK : ERR_NOT_FOUND;
    a->versions = arena_alloc(&r->arena, (count + 1) * sizeof *a->versions);
    for (size_t i = 1; i < count; i++) {
        struct stored_version *v = &a->versions[a->version_count++];
        v->version = newest - (uint32_t)(i - 1);
        take_entry(r, reply_bytes(reply_at(reply, i)), v);
    }
    a->more = a->version_count > 0 && a->versions[a->version_count - 1].version > 1;
    read_done(r);
}

void definition_versions_read(struct redis_read *r)
{
    struct redis_command *c = &r->store->command;
    uint32_t limit = r->ask.limit;
    redis_call_begin(r->store, "FCALL_RO", "versions");
    command_add_uint(c, 1);
    redis_add_key(r->store, KEY_VERSIONS, 0, r->ask.name);
    command_add_uint(c, r->ask.version);
    command_add_uint(c, limit == 0 || limit > VERSIONS_PAGE_MAX ? VERSIONS_PAGE_MAX : limit);
    read_send(r, on_versions);
}

/* ---- publications of others ---- */

static void on_changed_pipeline(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (reply_is_error(reply, "")) {
        redis_refused(s, "reading a pipeline", reply);
    } else if (reply_count(reply) == 2) {
        s->handler.pipeline(s->handler.user, reply_bytes(reply_at(reply, 1)),
                            (uint32_t)reply_uint(reply_at(reply, 0)));
    }
}

static void on_changed(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (reply_is_error(reply, "")) {
        redis_refused(s, "looking for new pipelines", reply);
        return;
    }
    for (size_t i = 0; i + 1 < reply_count(reply); i += 2) {
        uint64_t score = reply_uint(reply_at(reply, i + 1));
        s->changed_seen = score > s->changed_seen ? score : s->changed_seen;
        if (s->phase == REDIS_READY) {
            ask_pipeline(s, reply_bytes(reply_at(reply, i)), 0);
            redis_send(s, on_changed_pipeline, s);
        }
    }
}

void redis_changes_begin(struct redis_store *s)
{
    struct redis_command *c = &s->command;
    s->changed_seen = 0;
    command_begin(c, "ZRANGE");
    redis_add_key(s, KEY_CHANGED, 0, BYTES_NONE);
    command_add_str(c, "-1");
    command_add_str(c, "-1");
    command_add_str(c, "WITHSCORES");
    redis_send(s, on_changed, s);
}

void redis_changes_look(void *store)
{
    struct redis_store *s = store;
    struct redis_command *c = &s->command;
    char after[32];
    if (s->phase != REDIS_READY || !link_is_open(s->link)) {
        return;
    }
    snprintf(after, sizeof after, "(%llu", (unsigned long long)s->changed_seen);
    command_begin(c, "ZRANGE");
    redis_add_key(s, KEY_CHANGED, 0, BYTES_NONE);
    command_add_str(c, after);
    command_add_str(c, "+inf");
    command_add_str(c, "BYSCORE");
    command_add_str(c, "WITHSCORES");
    redis_send(s, on_changed, s);
    redis_secret_look(s);
    link_flush(s->link);
    loop_timer_set(s->changed_timer, loop_now(s->loop).mono + CHANGES_EVERY_MS);
}
