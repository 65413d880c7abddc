/* Stored pipelines: publishes new versions, and reads all newest ones when a connection starts. */
#include <stdlib.h>

#include "crypto/hash.h"
#include "model/limits.h"
#include "store/redis_reply.h"
#include "store/redis_store.h"

struct publication {
    struct publication *next;
    struct redis_store *store;
    struct store_publish publish; /* a copy; its slices are in the arena */
    bool sent;
    bool held; /* Redis had no room: sent again at the next check of the gate */
    bool full; /* from here on: Redis' answer */
    bool newest;
    enum publish_verdict verdict;
    uint32_t version;
    struct arena arena;
};

/* ---- publishing ---- */

void redis_publication_add(struct redis_store *s, const struct store_publish *publish)
{
    struct publication *p = mem_zalloc(sizeof *p);
    p->store = s;
    p->publish = *publish;
    p->publish.name = arena_bytes(&p->arena, publish->name);
    p->publish.source = arena_bytes(&p->arena, publish->source);
    p->publish.by = arena_bytes(&p->arena, publish->by);
    struct publication **last = &s->publications;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = p;
    if (s->phase != REDIS_READY && publish->publish_id != 0) {
        loop_timer_set(s->orphans, loop_now(s->loop).mono);
    }
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

/* Answers whoever waits for it, and frees it. */
static void publication_end(struct publication *p, enum publish_verdict verdict, uint32_t version)
{
    struct redis_store *s = p->store;
    struct store_published published = {p->publish.publish_id, verdict, version};
    publication_remove(p);
    if (published.publish_id != 0) {
        s->handler.published(s->handler.user, &published);
    }
}

static enum publish_verdict verdict_of(struct bytes word)
{
    return bytes_is(word, "created") ? PUBLISH_CREATED
           : bytes_is(word, "same")  ? PUBLISH_SAME
           : bytes_is(word, "known") ? PUBLISH_SAME
           : bytes_is(word, "names") ? PUBLISH_NAMES
                                     : PUBLISH_VERSIONS;
}

/* Delivers the answer. */
static void publication_tell(struct publication *p)
{
    struct redis_store *s = p->store;
    if (p->full && p->publish.publish_id != 0) {
        publication_end(p, PUBLISH_FULL, 0);
        return;
    }
    if (p->full) {
        p->sent = false;
        p->held = true;
        redis_note(s, "a pipeline cannot be stored: redis accepts no new data");
        return;
    }
    bool stored = p->verdict == PUBLISH_CREATED || p->verdict == PUBLISH_SAME;
    if (p->newest && s->phase == REDIS_READY) { /* before that all pipelines are read anyway */
        s->handler.pipeline(s->handler.user, p->publish.source, p->version);
    }
    if (!stored && p->publish.publish_id == 0) {
        redis_note(s, "a pipeline from a file is not stored: the limit of pipelines, or of its "
                      "versions, is reached");
    }
    publication_end(p, p->verdict, p->version);
}

static void on_published(void *user, const struct redisReply *reply)
{
    struct publication *p = user;
    struct redis_store *s = p->store;
    p->full = reply_is_error(reply, "OOM") || reply_is_error(reply, "MISCONF");
    if (!p->full && reply_count(reply) != 2) {
        redis_refused(s, "storing a pipeline", reply);
        return;
    }
    struct bytes word = reply_bytes(reply_at(reply, 1));
    p->version = (uint32_t)reply_uint(reply_at(reply, 0));
    p->verdict = verdict_of(word);
    p->newest =
        (p->verdict == PUBLISH_CREATED || p->verdict == PUBLISH_SAME) && !bytes_is(word, "known");
    if (s->replicas_wanted == 0) {
        publication_tell(p);
    }
}

static void on_confirmed(void *user, const struct redisReply *reply)
{
    struct publication *p = user;
    if (redis_confirmed(p->store, reply)) {
        publication_tell(p);
    }
}

static void publication_send(struct publication *p)
{
    struct redis_store *s = p->store;
    struct redis_command *c = &s->command;
    char hash[2 * SHA256_BYTES + 1];
    p->sent = true;
    redis_call_begin(s, "FCALL", "publish");
    command_add_uint(c, 2);
    redis_add_key(s, KEY_PIPELINES, 0, BYTES_NONE);
    redis_add_key(s, KEY_CHANGED, 0, BYTES_NONE);
    command_add(c, p->publish.name);
    command_add_str(c, hex_encode(p->publish.hash, SHA256_BYTES, hash));
    command_add(c, p->publish.source);
    redis_add_key(s, KEY_PIPELINE, 0, BYTES_NONE);
    redis_add_key(s, KEY_VERSIONS, 0, BYTES_NONE);
    command_add_uint(c, p->publish.at > 0 ? (uint64_t)p->publish.at : 0);
    command_add(c, p->publish.by);
    command_add_uint(c, PIPELINES_MAX);
    command_add_uint(c, PIPELINE_VERSIONS_MAX);
    command_add_uint(c, p->publish.unless_known);
    redis_send(s, on_published, p);
    if (s->replicas_wanted > 0) {
        redis_confirm(s, on_confirmed, p);
    }
}

void redis_publications_send(struct redis_store *s)
{
    for (struct publication *p = s->publications; p != NULL; p = p->next) {
        if (!p->sent && !p->held) {
            publication_send(p);
        }
    }
}

void redis_publications_retry(struct redis_store *s)
{
    for (struct publication *p = s->publications; p != NULL; p = p->next) {
        p->held = false;
    }
}

void redis_publications_unsent(struct redis_store *s)
{
    struct publication *next;
    for (struct publication *p = s->publications; p != NULL; p = next) {
        next = p->next;
        if (p->publish.publish_id != 0 && !p->sent) {
            publication_end(p, PUBLISH_UNKNOWN, 0);
        }
    }
}

void redis_publications_lost(struct redis_store *s)
{
    for (struct publication *p = s->publications; p != NULL; p = p->next) {
        p->sent = p->held = false;
    }
    redis_publications_unsent(s);
}

/* ---- reading all pipelines ---- */

static void on_source(void *user, const struct redisReply *reply)
{
    struct redis_store *s = user;
    if (reply_is_error(reply, "")) {
        redis_refused(s, "reading a pipeline", reply);
        return;
    }
    uint32_t version = s->loading[s->loading_at++];
    if (!reply_is_nil(reply)) { /* the index has a version that was deleted by hand */
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
        struct buf id = {0};
        buf_add_bytes(&id, name);
        buf_addf(&id, ":%u", s->loading[i]);
        command_begin(&s->command, "GET");
        redis_add_key(s, KEY_PIPELINE, 0, buf_bytes(&id));
        buf_free(&id);
        redis_send(s, on_source, s);
    }
    if (s->loading_count == 0) {
        redis_start_done(s);
    }
}

void redis_pipelines_load(struct redis_store *s)
{
    redis_publications_send(s);
    redis_changes_begin(s);
    command_begin(&s->command, "HGETALL");
    redis_add_key(s, KEY_PIPELINES, 0, BYTES_NONE);
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
