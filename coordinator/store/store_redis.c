/* The store on Redis: store.h has the contract, README.md the keys and the data flow. */
#include "store/redis_cluster.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/redis_reply.h"
#include "store/redis_store.h"

static struct redis_store *of(struct store *s)
{
    return (struct redis_store *)s;
}

/* ---- for all files ---- */

void redis_call_begin(struct redis_store *s, const char *verb, const char *function)
{
    char name[LIBRARY_NAME_BYTES + 16];
    snprintf(name, sizeof name, "%s_%s", s->library, function);
    command_begin(&s->command, verb);
    command_add_str(&s->command, name);
}

void redis_add_key(struct redis_store *s, enum redis_key key, partition_id partition,
                   struct bytes id)
{
    struct buf name = {0};
    redis_name(&s->names, key, partition, id, &name);
    command_add(&s->command, buf_bytes(&name));
    buf_free(&name);
}

void redis_send(struct redis_store *s, redis_reply_fn *fn, void *user)
{
    link_send(s->link, command_end(&s->command), fn, user);
}

void redis_refused(struct redis_store *s, const char *doing, const struct redisReply *reply)
{
    char why[STORE_TEXT_BYTES];
    bool error = reply_is_error(reply, "");
    snprintf(why, sizeof why, "%s: %s", doing,
             error ? reply->str : "Redis sent a reply of an unexpected form");
    link_fail(s->link, why);
}

void redis_note(struct redis_store *s, const char *text)
{
    if (strcmp(s->noted, text) == 0) {
        return;
    }
    snprintf(s->noted, sizeof s->noted, "%s", text);
    if (s->handler.note != NULL) {
        s->handler.note(s->handler.user, text);
    }
}

void redis_remark(struct redis_store *s, enum store_remark kind, const char *text)
{
    char cut[STORE_TEXT_BYTES];
    snprintf(cut, sizeof cut, "%s", text);
    if (strcmp(s->remarks[kind], cut) == 0) {
        return;
    }
    memcpy(s->remarks[kind], cut, sizeof cut);
    if (s->handler.remark != NULL) {
        s->handler.remark(s->handler.user, kind, cut);
    }
}

/* ---- data flow ---- */

static bool something_waits(const struct redis_store *s)
{
    return s->batches.first != NULL || s->reads != NULL;
}

/* Sends what may be sent: batches of rows, and each read after the rows given before it. */
static void pump(struct redis_store *s)
{
    if (s->phase != REDIS_READY || !link_is_open(s->link)) {
        if (something_waits(s) && s->phase != REDIS_READY) {
            loop_timer_set(s->orphans, loop_now(s->loop).mono);
        }
        return;
    }
    redis_reads_send(s);
    for (struct batch *b; (b = batch_queue_send(&s->batches)) != NULL;) {
        redis_batch_send(s, b);
        redis_reads_send(s);
    }
}

static void answer_all(struct redis_store *s)
{
    redis_rows_unknown(s);
    redis_reads_unavailable(s);
}

static void on_orphans(void *user)
{
    struct redis_store *s = user;
    if (s->phase != REDIS_READY) {
        redis_publications_unsent(s);
        answer_all(s);
    }
}

static void on_open(void *user)
{
    redis_start(user);
}

static void on_lost(void *user, const char *why)
{
    struct redis_store *s = user;
    bool was_ready = s->phase == REDIS_READY;
    s->phase = REDIS_AWAY;
    redis_remark(s, REMARK_AWAY, why);
    redis_remark(s, REMARK_FULL, ""); /* unknown while it is away */
    loop_timer_set(s->gate_timer, NEVER_MS);
    loop_timer_set(s->changed_timer, NEVER_MS);
    redis_publications_lost(s);
    answer_all(s);
    cache_forget(&s->cache);
    if (s->sentinel != NULL) {
        sentinel_master_away(s->sentinel, true);
    }
    if (was_ready) {
        s->handler.down(s->handler.user, why);
    } else {
        redis_note(s, why);
    }
}

static void on_settled(void *user)
{
    pump(user);
}

/* ---- sentinels ---- */

static void on_master(void *user, const struct redis_node *master)
{
    struct redis_store *s = user;
    char text[STORE_TEXT_BYTES];
    snprintf(text, sizeof text, "the sentinels name %.128s port %d as the master", master->host,
             master->port);
    redis_note(s, text);
    s->stats.masters_total++;
    link_target(s->link, master);
}

static void on_no_master(void *user, const char *why)
{
    struct redis_store *s = user;
    redis_note(s, why);
    if (s->phase != REDIS_READY) {
        redis_remark(s, REMARK_AWAY, why);
    }
}

/* ---- the vtable ---- */

static void store_redis_write(struct store *base, const struct store_row *row)
{
    struct redis_store *s = of(base);
    if (s->member != NULL) {
        s->rows_out[row->partition]++;
    }
    struct row_texts texts = row_texts_make(row);
    batch_queue_add(&s->batches, &s->names, row, &texts);
    cache_wrote(&s->cache, row, &texts);
    row_texts_drop(&texts);
}

static void store_redis_read(struct store *base, const struct store_read *read)
{
    redis_read_add(of(base), read);
}

static void store_redis_flush(struct store *base)
{
    struct redis_store *s = of(base);
    batch_queue_flush(&s->batches);
    redis_reads_flush(s);
    pump(s);
    if (s->phase == REDIS_READY) {
        redis_publications_send(s);
    }
    link_flush(s->link);
}

static void store_redis_publish(struct store *base, const struct store_publish *publish)
{
    redis_publication_add(of(base), publish);
}

static struct store_stats store_redis_stats(const struct store *base)
{
    const struct redis_store *s = (const struct redis_store *)base;
    struct store_stats stats = s->stats;
    stats.rows_waiting = s->batches.rows_given - s->rows_answered;
    stats.reads_waiting = s->reads_waiting;
    stats.batches_in_flight = s->batches.in_flight;
    return stats;
}

static void store_redis_destroy(struct store *base)
{
    struct redis_store *s = of(base);
    if (s->sentinel != NULL) {
        sentinel_destroy(s->sentinel);
    }
    link_destroy(s->link);
    loop_timer_destroy(s->orphans);
    loop_timer_destroy(s->cached_timer);
    loop_timer_destroy(s->gate_timer);
    loop_timer_destroy(s->changed_timer);
    batch_queue_free(&s->batches);
    redis_reads_free(s);
    cache_forget(&s->cache);
    redis_pipelines_free(s);
    command_free(&s->command);
    explicit_bzero(s, sizeof *s); /* the secret, the password */
    free(s);
}

static const struct store_ops redis_ops = {
    .backend = "redis",
    .write = store_redis_write,
    .read = store_redis_read,
    .flush = store_redis_flush,
    .publish = store_redis_publish,
    .stats = store_redis_stats,
    .destroy = store_redis_destroy,
};

static bool take_text(const char *from, char *text, size_t size)
{
    return from == NULL || from[0] == '\0' || snprintf(text, size, "%s", from) < (int)size;
}

/* Options that override or complete the URL. */
static const char *take_options(const struct store_redis_options *options, struct redis_url *url,
                                struct redis_login *sentinels)
{
    sentinels->tls = options->tls;
    if (!take_text(options->password, url->password, sizeof url->password) ||
        !take_text(options->sentinel_password, sentinels->password, sizeof sentinels->password)) {
        return "the password is too long";
    }
    if (!take_text(options->sentinel_user, sentinels->user, sizeof sentinels->user)) {
        return "the user of the sentinels is too long";
    }
    return NULL;
}

struct redis_store *redis_store_create(const struct redis_setup *setup,
                                       struct store_handler handler)
{
    struct loop *loop = setup->loop;
    struct redis_store *s = mem_zalloc(sizeof *s);
    s->base.ops = &redis_ops;
    s->loop = loop;
    s->handler = handler;
    s->names.tags = setup->tags;
    s->url = *setup->url;
    s->relaxed = setup->options->relaxed;
    s->replicas_wanted = setup->options->replicas;
    s->member = setup->member;
    s->batches.by_partition = setup->member != NULL;
    library_name(s->library);
    s->orphans = loop_timer_create(loop, on_orphans, s);
    s->cached_timer = loop_timer_create(loop, redis_reads_cached, s);
    s->gate_timer = loop_timer_create(loop, redis_gate_again, s);
    s->changed_timer = loop_timer_create(loop, redis_changes_look, s);
    mono_ms deadline_ms = setup->options->deadline_ms;
    s->deadline_ms = deadline_ms > 0 ? deadline_ms : DEADLINE_MS_DEFAULT;
    s->link = link_create(loop, setup->url, setup->options->tls, s->deadline_ms,
                          (struct redis_link_handler){
                              .open = on_open, .lost = on_lost, .settled = on_settled, .user = s});
    if (setup->sentinels != NULL) {
        s->sentinel = sentinel_create(loop, setup->url, setup->sentinels, s->deadline_ms,
                                      (struct redis_sentinel_handler){
                                          .master = on_master, .unknown = on_no_master, .user = s});
    }
    return s;
}

enum err store_redis_create(struct loop *loop, const struct store_redis_options *options,
                            struct store_handler handler, struct store **ret_store,
                            const char **ret_message)
{
    struct redis_url url;
    struct redis_login sentinels = {0};
    enum err e = redis_url_parse(options->url, &url, ret_message);
    if (e != ERR_OK) {
        return e;
    }
    const char *fault = take_options(options, &url, &sentinels);
    if (fault == NULL && url.tls && options->tls == NULL) {
        fault = "it asks for TLS, and there are no settings of TLS";
    }
    if (fault != NULL) {
        *ret_message = fault;
        return ERR_INVALID;
    }
    const struct redis_setup setup = {.loop = loop,
                                      .url = &url,
                                      .options = options,
                                      .sentinels = url.kind == REDIS_SENTINEL ? &sentinels : NULL};
    *ret_store = url.kind == REDIS_CLUSTER ? cluster_create(&setup, handler)
                                           : &redis_store_create(&setup, handler)->base;
    explicit_bzero(&url, sizeof url);
    explicit_bzero(&sentinels, sizeof sentinels);
    return ERR_OK;
}

bool store_redis_refused(const struct store *s)
{
    return s->ops == &redis_ops && link_refused(((const struct redis_store *)s)->link);
}

const char *redis_store_fault(const struct redis_store *s)
{
    return s->fault[0] != '\0' ? s->fault : NULL;
}

const char *store_redis_gate_fault(const struct store *s)
{
    return s->ops == &redis_ops ? redis_store_fault((const struct redis_store *)s)
                                : cluster_gate_fault(s);
}
