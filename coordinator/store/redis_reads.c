/* Reads that take one round: owners, parts, items, events, ping; and the queue of reads. */
#include "store/redis_read.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/pack.h"
#include "crypto/hash.h"
#include "model/limits.h"
#include "store/limit_book.h"

#define LIVE_PAGE "64" /* records per page: a few hundred KiB if they are large */

/* ---- owners ---- */

/* All partitions or, for a node of a cluster, those that it has. */
static uint64_t owners_mask(const struct redis_read *r)
{
    return r->ask.partitions != 0 ? r->ask.partitions : UINT64_MAX;
}

/* A redirected owner record is returned as unseen instead of being followed: the caller asks again
 * soon. */
static bool owner_unseen(struct redis_read *r, const struct redisReply *reply)
{
    struct redis_store *s = r->store;
    struct redirect why;
    if (s->member == NULL || !redirect_read(reply, &why)) {
        return false;
    }
    s->member->redirected(s->member->user, &why);
    r->awaited--;
    r->taken++;
    return true;
}

static void on_owner(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    bool unseen = owner_unseen(r, reply);
    if (!unseen && !read_take(r, reply)) {
        return;
    }
    struct owner_record *owner = &r->answer.owners[read_partition(r, owners_mask(r))];
    owner->unseen = unseen;
    struct bytes nonce = reply_bytes(reply_at(reply, 1));
    if (!reply_is_nil(reply_at(reply, 0)) &&
        hex_decode(nonce, owner->fence.nonce, NONCE_BYTES) == ERR_OK) {
        owner->exists = true;
        owner->fence.epoch = reply_uint(reply_at(reply, 0));
        owner->owner = arena_bytes(&r->arena, reply_bytes(reply_at(reply, 2)));
        owner->beat = reply_uint(reply_at(reply, 3));
        owner->wished =
            hex_decode(reply_bytes(reply_at(reply, 4)), owner->wish, NONCE_BYTES) == ERR_OK;
    }
    if (r->awaited == 0) {
        read_done(r);
    }
}

static void read_owners(struct redis_read *r)
{
    r->answer.owners = arena_alloc(&r->arena, PARTITION_COUNT * sizeof *r->answer.owners);
    for (uint64_t mask = owners_mask(r); mask != 0; mask &= mask - 1) {
        struct redis_command *c = &r->store->command;
        command_begin(c, "HMGET");
        redis_add_key(r->store, KEY_OWNER, (partition_id)__builtin_ctzll(mask), BYTES_NONE);
        command_add_str(c, "epoch");
        command_add_str(c, "nonce");
        command_add_str(c, "owner");
        command_add_str(c, "hb");
        command_add_str(c, "wish");
        read_send(r, on_owner);
    }
}

/* ---- parts ---- */

/* Answers: whether the task exists; its input and an item's value, if requested; the ranges. */
static void on_part(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (!read_take(r, reply)) {
        return;
    }
    uint32_t item_at = r->ask.input ? 2 : 1;
    uint32_t first_range = r->ask.item != 0 ? item_at + 1 : item_at;
    uint32_t at = r->taken - 1;
    if (at == 0) {
        r->answer.err = reply_uint(reply) == 1 ? ERR_OK : ERR_NOT_FOUND;
    } else {
        struct bytes *to = at < item_at       ? &r->answer.input
                           : at < first_range ? &r->answer.item
                                              : &r->answer.parts[at - first_range];
        *to = reply_bytes(reply);
        read_keep(r);
    }
    if (r->awaited == 0) {
        read_done(r);
    }
}

static void ask_exists(struct redis_read *r, redis_reply_fn *fn)
{
    command_begin(&r->store->command, "EXISTS");
    redis_add_key(r->store, KEY_TASK, r->ask.partition, r->ask.task_id);
    read_send(r, fn);
}

static void read_parts(struct redis_read *r)
{
    struct redis_command *c = &r->store->command;
    ask_exists(r, on_part);
    if (r->ask.input) {
        command_begin(c, "HGET");
        redis_add_key(r->store, KEY_TASK, r->ask.partition, r->ask.task_id);
        command_add_str(c, "input");
        read_send(r, on_part);
    }
    if (r->ask.item != 0) {
        char field[32];
        snprintf(field, sizeof field, "%uv%u", r->ask.step, r->ask.item);
        command_begin(c, "HGET");
        redis_add_key(r->store, KEY_ITEMS, r->ask.partition, r->ask.task_id);
        command_add_str(c, field);
        read_send(r, on_part);
    }
    r->answer.part_count = r->ask.range_count;
    r->answer.parts = arena_alloc(&r->arena, r->ask.range_count * sizeof *r->answer.parts);
    for (uint32_t i = 0; i < r->ask.range_count; i++) {
        const struct byte_range *range = &r->ask.ranges[i];
        command_begin(c, "GETRANGE");
        redis_add_key(r->store, KEY_DOC, r->ask.partition, r->ask.task_id);
        /* GETRANGE has no form for an empty range: use one that ends before it begins. */
        command_add_uint(c, range->len > 0 ? range->offset : 1);
        command_add_uint(c, range->len > 0 ? range->offset + range->len - 1 : 0);
        read_send(r, on_part);
    }
}

/* ---- items ---- */

/* Answers: whether the task exists; then the next item, followed by item, blob and result of
 * each. */
static void on_items(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    struct store_answer *a = &r->answer;
    if (!read_take(r, reply)) {
        return;
    }
    if (r->taken == 1) {
        a->err = reply_uint(reply) == 1 ? ERR_OK : ERR_NOT_FOUND;
        return;
    }
    a->next_item = (uint32_t)reply_uint(reply_at(reply, 0));
    a->items = arena_alloc(&r->arena, (reply_count(reply) / 3 + 1) * sizeof *a->items);
    for (size_t i = 1; i + 2 < reply_count(reply); i += 3) {
        a->items[a->items_count++] =
            (struct stored_item){.item = (uint32_t)reply_uint(reply_at(reply, i)),
                                 .blob = reply_bytes(reply_at(reply, i + 1)),
                                 .result = reply_bytes(reply_at(reply, i + 2))};
    }
    read_keep(r);
    read_done(r);
}

static void read_items(struct redis_read *r)
{
    struct redis_command *c = &r->store->command;
    ask_exists(r, on_items);
    redis_call_begin(r->store, "FCALL_RO", "items");
    command_add_uint(c, 2);
    redis_add_key(r->store, KEY_TASK, r->ask.partition, r->ask.task_id);
    redis_add_key(r->store, KEY_ITEMS, r->ask.partition, r->ask.task_id);
    command_add_uint(c, r->ask.step);
    command_add_uint(c, r->ask.item > 0 ? r->ask.item : 1);
    command_add_uint(c, r->ask.limit);
    command_add_str(c, r->ask.marks);
    read_send(r, on_items);
}

/* ---- events ---- */

/* Takes the events of an entry that are newer than requested, as long as the page has room. */
static void take_entry(struct redis_read *r, struct bytes entry, uint32_t page)
{
    struct store_answer *a = &r->answer;
    struct unpack u = unpack_start(entry);
    while (!unpack_done(&u) && !u.bad && a->event_count < page) {
        uint64_t seq = unpack_uint(&u);
        struct bytes blob = unpack_bytes(&u);
        if (!u.bad && seq > r->ask.after) {
            a->events[a->event_count++] = (struct event_blob){seq, blob};
        }
    }
}

static uint32_t events_page(const struct redis_read *r)
{
    uint32_t limit = r->ask.limit;
    return limit == 0 || limit > EVENTS_PAGE_MAX ? EVENTS_PAGE_MAX : limit;
}

/* The layout of the answer is that of read_events in the library. */
static void on_events(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (!read_take(r, reply)) {
        return;
    }
    struct store_answer *a = &r->answer;
    a->err = reply_count(reply) > 0 ? ERR_OK : ERR_NOT_FOUND;
    a->oldest_seq = reply_uint(reply_at(reply, 0));
    a->events = arena_alloc(&r->arena, events_page(r) * sizeof *a->events);
    for (size_t i = 1; i < reply_count(reply); i++) {
        take_entry(r, reply_bytes(reply_at(reply, i)), events_page(r));
    }
    read_keep(r);
    read_done(r);
}

static void read_events(struct redis_read *r)
{
    redis_call_begin(r->store, "FCALL_RO", "events");
    command_add_uint(&r->store->command, 1);
    redis_add_key(r->store, KEY_TASK, r->ask.partition, r->ask.task_id);
    command_add_uint(&r->store->command, r->ask.after);
    command_add_uint(&r->store->command, events_page(r));
    read_send(r, on_events);
}

/* ---- live tasks, one task, ping ---- */

static void on_live(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (!read_take(r, reply)) {
        return;
    }
    const struct redisReply *ids = reply_at(reply, 1);
    r->answer.cursor = reply_uint(reply_at(reply, 0));
    for (size_t i = 0; i < reply_count(ids); i++) {
        MEM_GROW(r->entries, r->entry_count, r->entry_cap);
        r->entries[r->entry_count++] =
            (struct list_entry){.id = arena_bytes(&r->arena, reply_bytes(reply_at(ids, i))),
                                .partition = r->ask.partition};
    }
    records_read(r);
}

static void read_live(struct redis_read *r)
{
    struct redis_command *c = &r->store->command;
    command_begin(c, "SSCAN");
    redis_add_key(r->store, KEY_LIVE, r->ask.partition, BYTES_NONE);
    command_add_uint(c, r->ask.cursor);
    command_add_str(c, "COUNT");
    command_add_str(c, LIVE_PAGE);
    read_send(r, on_live);
}

static void read_task(struct redis_read *r)
{
    MEM_GROW(r->entries, r->entry_count, r->entry_cap);
    r->entries[r->entry_count++] =
        (struct list_entry){.id = r->ask.task_id, .partition = r->ask.partition};
    records_read(r);
}

static void on_ping(void *user, const struct redisReply *reply)
{
    struct redis_read *r = user;
    if (read_take(r, reply)) {
        read_done(r);
    }
}

static void send_read(struct redis_read *r)
{
    switch (r->ask.kind) {
    case READ_OWNERS:
        read_owners(r);
        break;
    case READ_LIVE:
        read_live(r);
        break;
    case READ_TASK:
        read_task(r);
        break;
    case READ_PARTS:
        read_parts(r);
        break;
    case READ_EVENTS:
        read_events(r);
        break;
    case READ_ITEMS:
        read_items(r);
        break;
    case READ_LIST:
    case READ_DEAD:
        list_read(r);
        break;
    case READ_USAGE:
        usage_read_days(r);
        break;
    case READ_AUDIT:
        audit_read(r);
        break;
    case READ_PIPELINE:
        definition_read(r);
        break;
    case READ_VERSIONS:
        definition_versions_read(r);
        break;
    case READ_LIMITS:
        limits_read(r);
        break;
    case READ_PING:
        command_begin(&r->store->command, "PING");
        read_send(r, on_ping);
        break;
    }
}

/* ---- the queue ---- */

struct redis_read *read_create(struct redis_store *s, const struct store_read *read)
{
    struct redis_read *r = mem_zalloc(sizeof *r);
    r->store = s;
    r->ask = *read;
    r->ask.task_id = arena_bytes(&r->arena, read->task_id);
    r->ask.before_id = arena_bytes(&r->arena, read->before_id);
    r->ask.name = arena_bytes(&r->arena, read->name);
    r->ask.ranges = arena_alloc(&r->arena, read->range_count * sizeof *read->ranges);
    for (uint32_t i = 0; i < read->range_count; i++) {
        r->ask.ranges[i] = read->ranges[i];
    }
    r->ask.ids = arena_alloc(&r->arena, (read->id_count + 1) * sizeof *read->ids);
    for (uint32_t i = 0; i < read->id_count; i++) {
        r->ask.ids[i] = arena_bytes(&r->arena, read->ids[i]);
    }
    r->ask.limits = limit_ops_copy(read->limits, read->limit_count, &r->arena);
    return r;
}

void redis_read_add(struct redis_store *s, const struct store_read *read)
{
    struct redis_read *r = read_create(s, read);
    s->stats.reads_total++;
    s->reads_waiting++;
    if (!cache_read(&s->cache, &r->ask, NULL, NULL)) {
        read_link(r);
        return;
    }
    *(s->cached != NULL ? &s->cached_last->next : &s->cached) = r;
    s->cached_last = r;
    if (s->cached == r) { /* answers never come from within a call */
        loop_timer_set(s->cached_timer, loop_now(s->loop).mono);
    }
}

static void answer_cached(struct redis_read *r)
{
    struct redis_store *s = r->store;
    r->answer = (struct store_answer){.kind = r->ask.kind, .read_id = r->ask.read_id};
    /* evicted or forgotten meanwhile */
    if (!cache_read(&s->cache, &r->ask, &r->arena, &r->answer)) {
        r->answer = (struct store_answer){0};
        read_link(r);
        return;
    }
    s->stats.reads_cached_total++;
    s->reads_waiting--;
    s->handler.read(s->handler.user, &r->answer);
    read_free(r);
}

void redis_reads_cached(void *store)
{
    struct redis_store *s = store;
    struct redis_read *r = s->cached; /* reads added during the callbacks wait for the next turn */
    s->cached = s->cached_last = NULL;
    for (struct redis_read *next; r != NULL; r = next) {
        next = r->next;
        r->next = NULL;
        answer_cached(r);
    }
}

void redis_reads_flush(struct redis_store *s)
{
    for (struct redis_read *r = s->reads_last; r != NULL && !r->flushed; r = r->prev) {
        r->flushed = true;
    }
}

void redis_reads_send(struct redis_store *s)
{
    /* Unsent reads are at the end of the list. */
    struct redis_read *r = s->reads_last;
    while (r != NULL && !r->sent && r->prev != NULL && !r->prev->sent) {
        r = r->prev;
    }
    while (r != NULL && !r->sent && r->flushed && r->after_row <= s->batches.rows_sent) {
        struct redis_read *next = r->next;
        r->sent = true;
        send_read(r);
        r = next;
    }
}

void redis_reads_unavailable(struct redis_store *s)
{
    while (s->cached != NULL) { /* treated like all others */
        struct redis_read *r = s->cached;
        s->cached = r->next;
        read_link(r);
    }
    s->cached_last = NULL;
    /* reads added during the callbacks wait for the next connection */
    struct redis_read *last = s->reads_last;
    for (bool more = last != NULL; more;) {
        struct redis_read *r = s->reads;
        more = r != last;
        r->answer = (struct store_answer){.err = ERR_UNAVAILABLE};
        read_done(r);
    }
}

void redis_reads_free(struct redis_store *s)
{
    while (s->cached != NULL) {
        struct redis_read *r = s->cached;
        s->cached = r->next;
        read_free(r);
    }
    s->cached_last = NULL;
    while (s->reads != NULL) {
        struct redis_read *r = s->reads;
        s->reads = r->next;
        read_free(r);
    }
    s->reads_last = NULL;
}
