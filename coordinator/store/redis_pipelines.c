/* Definitions: stored as versions, read when a connection is made ready. */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "store/redis_reply.h"
#include "store/redis_store.h"

struct publication {
    struct publication *next;
    struct redis_store *store;
    struct bytes name, source;
    char hash[2 * SHA256_BYTES + 1];
    bool sent;
    bool held; /* Redis had no room: again with the next look at the gate */
    struct arena arena;
};

/* ---- publishing ---- */

void redis_publication_add(struct redis_store *s, struct bytes name, struct bytes source,
                           const uint8_t hash[32])
{
    struct publication *p = mem_zalloc(sizeof *p);
    p->store = s;
    p->name = arena_bytes(&p->arena, name);
    p->source = arena_bytes(&p->arena, source);
    hex_encode(hash, SHA256_BYTES, p->hash);
    struct publication **last = &s->publications;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = p;
}

static void publication_remove(struct publication *p)
{
    struct publication **at = &p->store->publications;
    while (*at != p) {
        at = &(*at)->next;
    }
    *at = p->next;
    arena_free(&p->arena);
    free(p);
}

static void on_published(void *user, const struct redisReply *reply)
{
    struct publication *p = user;
    struct redis_store *s = p->store;
    if (reply_is_error(reply, "OOM") || reply_is_error(reply, "MISCONF")) {
        p->sent = false;
        p->held = true;
        redis_note(s, "a pipeline cannot be stored: redis takes no new data");
        return;
    }
    if (reply->type != REDIS_REPLY_INTEGER) {
        redis_refused(s, "storing a pipeline", reply);
        return;
    }
    if (s->phase == REDIS_READY) { /* before that all are read anyway */
        s->handler.pipeline(s->handler.user, p->source, (uint32_t)reply->integer);
    }
    publication_remove(p);
}

void redis_publications_send(struct redis_store *s)
{
    for (struct publication *p = s->publications; p != NULL; p = p->next) {
        if (p->sent || p->held) {
            continue;
        }
        p->sent = true;
        redis_call_begin(s, "FCALL", "publish");
        command_add_uint(&s->command, 1);
        command_add_str(&s->command, KEY_PIPELINE_INDEX);
        command_add(&s->command, p->name);
        command_add_str(&s->command, p->hash);
        command_add(&s->command, p->source);
        command_add_str(&s->command, KEY_PIPELINE_PREFIX);
        redis_send(s, on_published, p);
    }
}

void redis_publications_retry(struct redis_store *s)
{
    for (struct publication *p = s->publications; p != NULL; p = p->next) {
        p->held = false;
    }
}

void redis_publications_lost(struct redis_store *s)
{
    for (struct publication *p = s->publications; p != NULL; p = p->next) {
        p->sent = p->held = false;
    }
}

/* ---- reading all of them ---- */

static void on_source(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (reply_is_error(reply, "")) {
        redis_refused(s, "reading a pipeline", reply);
        return;
    }
    uint32_t version = s->loading[s->loading_at++];
    if (!reply_is_nil(reply)) { /* an index without its version: somebody deleted it by hand */
        s->handler.pipeline(s->handler.user, reply_bytes(reply), version);
    }
    if (s->loading_at == s->loading_count) {
        redis_start_done(s);
    }
}

/* The version in an entry of the index: "<version> <hash>". */
static uint32_t entry_version(struct bytes entry)
{
    uint32_t version = 0;
    for (size_t i = 0; i < entry.len && i < 9 && entry.ptr[i] >= '0' && entry.ptr[i] <= '9'; i++) {
        version = version * 10 + (uint32_t)(entry.ptr[i] - '0');
    }
    return version;
}

static void on_index(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (reply_is_error(reply, "")) {
        redis_refused(s, "reading the pipelines", reply);
        return;
    }
    s->loading_at = 0;
    s->loading_count = (uint32_t)(reply_count(reply) / 2);
    s->loading = mem_resize(s->loading, (s->loading_count + 1) * sizeof *s->loading);
    for (uint32_t i = 0; i < s->loading_count; i++) {
        struct bytes name = reply_bytes(reply_at(reply, 2 * (size_t)i));
        s->loading[i] = entry_version(reply_bytes(reply_at(reply, 2 * (size_t)i + 1)));
        struct buf key = {0};
        buf_add_str(&key, KEY_PIPELINE_PREFIX);
        buf_add_bytes(&key, name);
        buf_addf(&key, ":%u", s->loading[i]);
        command_begin(&s->command, "GET");
        command_add(&s->command, buf_bytes(&key));
        buf_free(&key);
        redis_send(s, on_source, s);
    }
    if (s->loading_count == 0) {
        redis_start_done(s);
    }
}

void redis_pipelines_load(struct redis_store *s)
{
    redis_publications_send(s);
    command_begin(&s->command, "HGETALL");
    command_add_str(&s->command, KEY_PIPELINE_INDEX);
    redis_send(s, on_index, s);
}

void redis_pipelines_free(struct redis_store *s)
{
    while (s->publications != NULL) {
        publication_remove(s->publications);
    }
    free(s->loading);
    s->loading = NULL;
}
