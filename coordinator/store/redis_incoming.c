#include "store/redis_incoming.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <hiredis/sds.h>

#include "base/err.h"
#include "base/shared.h"
#include "store/redis_socket.h"

#if HIREDIS_MAJOR >= 1
#define sdsempty       hi_sdsempty
#define sdsMakeRoomFor hi_sdsMakeRoomFor
#define sdsavail       hi_sdsavail
#define sdsfree        hi_sdsfree
typedef size_t element_count;
#else
typedef int element_count;
#endif

#define BLOCK_BYTES      16384u /* as much as hiredis reads at once */
#define BLOCK_BYTES_KEPT 65536u /* a larger one is given back once it is empty */
/* In the midst of a long array there is room for more than its next item: what of the one behind
 * came with it moves to the next block, and is so a small part of what came. */
#define BLOCK_BYTES_AHEAD 32768u
#define READ_BYTES_MIN    1024u /* less room is not worth a read */
#define NODES_KEPT_MAX    512u  /* likewise of a reply's */

#define NO_REPLY_TEXT "Protocol error, a reply that makes no sense"

/* Its bytes are a string of hiredis's (sds) that is empty as far as that knows, and what came lies
 * in its spare room: so hiredis has nothing to move, which else moves what it has not parsed over
 * what it has. */
struct incoming_block {
    struct shared shared; /* by the connection, each reply that is kept, and whom it was lent to.
                             Bytes NULL: hiredis has freed it with a reply that it refused */
    bool lent;            /* the connection uses it no more */
};

/* Whole items of a reply, in a block that has nothing behind them. */
struct reply_part {
    struct incoming_block *block; /* held */
    size_t from, len;
};

struct incoming_reply {
    struct reply_part *parts; /* where the strings of its first items are */
    size_t part_count;
    struct incoming_block *block; /* and all others; held once the reply is kept */
    size_t nodes_max, node_count;
    size_t link_count;
    redisReply **links; /* to the elements of its arrays, behind its nodes */
    redisReply nodes[]; /* itself first */
};

/* ---- blocks ---- */

static char *sds_of(const struct incoming_block *b)
{
    return (char *)b->shared.bytes.ptr;
}

/* On any thread. */
static void block_free(struct shared *s)
{
    struct incoming_block *b = (struct incoming_block *)(void *)s;
    sdsfree(sds_of(b));
    free(b);
}

static void block_drop(struct incoming_block *b)
{
    if (b != NULL) {
        shared_drop(&b->shared);
    }
}

/* For so much, and no more: all of it stays for as long as one of its replies does. (sds makes room
 * for twice as much, up to a bound.) */
static struct incoming_block *block_make(size_t room)
{
    struct incoming_block *b = mem_alloc(sizeof *b);
    bool twice = room + 1 < 2 * (size_t)SDS_MAX_PREALLOC;
    char *bytes = sdsempty();
    if (bytes != NULL) {
        bytes = sdsMakeRoomFor(bytes, twice ? (room + 1) / 2 : room - SDS_MAX_PREALLOC);
    }
    if (bytes != NULL && sdsavail(bytes) < room) {
        bytes = sdsMakeRoomFor(bytes, room);
    }
    if (bytes == NULL) {
        die("out of memory (%zu bytes from Redis)", room);
    }
    size_t cap = sdsavail(bytes);
    struct buf all = {.ptr = (uint8_t *)bytes, .len = cap, .cap = cap};
    b->lent = false;
    shared_init(&b->shared, all, block_free);
    return b;
}

static void parts_drop(struct reply_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        block_drop(parts[i].block);
    }
    free(parts);
}

/* What has come and was not handed out goes to the front of another one. */
static void change_block(struct redis_incoming *in, size_t room)
{
    redisReader *reader = in->reader;
    struct incoming_block *b = block_make(room);
    size_t rest = reader->len - reader->pos;
    if (rest > 0) {
        memcpy(sds_of(b), reader->buf + reader->pos, rest);
    }
    block_drop(in->block);
    in->block = b;
    reader->buf = sds_of(b);
    reader->pos = 0;
    reader->len = rest;
}

/* Items that are whole stay in the block, where they are most of what has come. */
static void leave_part(struct redis_incoming *in)
{
    redisReader *reader = in->reader;
    if (in->next.len == 0 || in->next.len < (reader->len - reader->pos) / 2) {
        return;
    }
    struct reply_part part = {.block = in->block, .from = reader->pos};
    part.len = extent_leave(&in->next);
    shared_hold(&part.block->shared);
    MEM_GROW(in->parts, in->part_count, in->part_cap);
    in->parts[in->part_count++] = part;
    reader->pos += part.len;
}

/* How much behind pos the next read, and what it is for, wants. */
static size_t room_wanted(const struct redis_incoming *in)
{
    size_t rest = in->reader->len - in->reader->pos;
    return in->next.needs > rest ? in->next.needs : rest + READ_BYTES_MIN;
}

/* So that the next read has a place: behind what came, where the reply fits there. */
static void make_room(struct redis_incoming *in)
{
    if (in->block != NULL && in->reader->pos + room_wanted(in) <= in->block->shared.bytes.cap) {
        return;
    }
    leave_part(in);
    bool ahead = in->part_count > 0 && in->next.items_left > 1;
    size_t room = room_wanted(in) + (ahead ? BLOCK_BYTES_AHEAD : 0);
    change_block(in, room > BLOCK_BYTES ? room : BLOCK_BYTES);
}

static void let_go(struct redis_incoming *in)
{
    block_drop(in->block);
    in->block = NULL;
    in->reader->buf = NULL;
}

/* All is handed out, and the last reply no longer in hand. */
static void empty_block(struct redis_incoming *in)
{
    struct incoming_block *b = in->block;
    if (b == NULL) {
        return;
    }
    if (b->lent) {
        in->reader->pos = in->reader->len = 0;
        let_go(in);
    } else if (atomic_load_explicit(&b->shared.holders, memory_order_relaxed) == 1) {
        in->reader->pos = in->reader->len = 0;
        if (b->shared.bytes.cap > BLOCK_BYTES_KEPT) {
            let_go(in);
        }
    }
}

/* hiredis would free a block with a reply that it refuses. What lies behind a reply that was lent
 * moves to another one, before it is looked at. */
static void leave_lent(struct redis_incoming *in)
{
    size_t rest = in->reader->len - in->reader->pos;
    if (in->block->lent) {
        change_block(in, rest > BLOCK_BYTES ? rest : BLOCK_BYTES);
    }
}

/* The same of a part that was left before a reply in front of it was lent. */
static void part_leave_lent(struct reply_part *part)
{
    if (part->block->lent) {
        struct incoming_block *b = block_make(part->len);
        memcpy(sds_of(b), sds_of(part->block) + part->from, part->len);
        block_drop(part->block);
        *part = (struct reply_part){.block = b, .len = part->len};
    }
}

/* ---- what hiredis makes of a reply ---- */

static redisReply *add_node(const redisReadTask *task, int type)
{
    struct incoming_reply *reply = task->privdata;
    if (reply->node_count == reply->nodes_max) {
        return NULL; /* hiredis takes it for a want of memory, and gives up */
    }
    redisReply *node = &reply->nodes[reply->node_count++];
    *node = (redisReply){.type = type};
    if (task->parent != NULL) {
        redisReply *array = task->parent->obj;
        array->element[task->idx] = node;
    }
    return node;
}

/* Behind each string is the end of a line, which has been read. */
static void *create_string(const redisReadTask *task, char *str, size_t len)
{
    redisReply *node = add_node(task, task->type);
    if (node != NULL) {
        str[len] = '\0';
        node->str = str;
        node->len = len;
    }
    return node;
}

static void *create_array(const redisReadTask *task, element_count elements)
{
    struct incoming_reply *reply = task->privdata;
    redisReply *node = add_node(task, task->type);
    if (node == NULL || (size_t)elements > reply->nodes_max - reply->link_count) {
        return NULL;
    }
    node->elements = (size_t)elements;
    node->element = reply->links + reply->link_count;
    reply->link_count += (size_t)elements;
    return node;
}

static void *create_integer(const redisReadTask *task, long long value)
{
    redisReply *node = add_node(task, REDIS_REPLY_INTEGER);
    if (node != NULL) {
        node->integer = value;
    }
    return node;
}

static void *create_nil(const redisReadTask *task)
{
    return add_node(task, REDIS_REPLY_NIL);
}

static redisReplyObjectFunctions functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_nil,
    .freeObject = NULL, /* it is one piece of memory, and ours */
};

static void forget_parts(struct incoming_reply *reply)
{
    parts_drop(reply->parts, reply->part_count);
    reply->parts = NULL;
    reply->part_count = 0;
}

/* An empty one, with room for so many nodes; the parts are its own from here on. */
static void prepare_reply(struct redis_incoming *in, size_t nodes)
{
    struct incoming_reply *reply = in->reply;
    if (reply == NULL || reply->nodes_max < nodes || reply->nodes_max > NODES_KEPT_MAX) {
        free(reply);
        reply = in->reply =
            mem_alloc(sizeof *reply + nodes * (sizeof *reply->nodes + sizeof *reply->links));
        reply->nodes_max = nodes;
        reply->links = (redisReply **)(void *)(reply->nodes + nodes);
    }
    reply->node_count = reply->link_count = 0;
    reply->parts = in->parts;
    reply->part_count = in->part_count;
    in->parts = NULL;
    in->part_count = in->part_cap = 0;
}

void incoming_reply_drop(struct incoming_reply *reply)
{
    if (reply != NULL) {
        forget_parts(reply);
        block_drop(reply->block);
        free(reply);
    }
}

/* ---- verbs ---- */

static void make_reader(struct redis_incoming *in)
{
    in->reader = redisReaderCreateWithFunctions(&functions);
    if (in->reader == NULL) {
        die("out of memory (a connection to Redis)");
    }
    sdsfree(in->reader->buf);
    in->reader->buf = NULL;
}

size_t incoming_read(struct redis_incoming *in, struct redis_socket *socket, bool *ret_more)
{
    if (in->reader == NULL) {
        make_reader(in);
    }
    make_room(in);
    redisReader *reader = in->reader;
    size_t room = in->block->shared.bytes.cap - reader->len;
    ssize_t n = socket_read(socket, reader->buf + reader->len, room);
    *ret_more = n == (ssize_t)room;
    if (n == 0) {
        in->why = "Server closed the connection";
    } else if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        in->why = socket_why(socket);
    }
    size_t came = n > 0 ? (size_t)n : 0;
    reader->len += came;
    return came;
}

/* hiredis goes on with so much of a block. False where it refuses it, and has freed it. */
static bool parse_in(struct redis_incoming *in, struct incoming_block *b, size_t from, size_t to,
                     void **ret_reply)
{
    in->reader->buf = sds_of(b);
    in->reader->pos = from;
    in->reader->len = to;
    if (redisReaderGetReply(in->reader, ret_reply) == REDIS_OK) {
        return true;
    }
    b->shared.bytes = (struct buf){0};
    return false;
}

/* Where it is no reply, hiredis says why. What is parsed it would discard, with all that it sees.
 */
static const redisReply *parse(struct redis_incoming *in, bool whole)
{
    redisReader *reader = in->reader;
    size_t from = reader->pos, end = from + in->next.len, came = reader->len;
    bool good = true;
    void *reply = NULL;
    prepare_reply(in, in->next.items);
    reader->privdata = in->reply;
    for (size_t i = 0; i < in->reply->part_count && good; i++) {
        struct reply_part *part = &in->reply->parts[i];
        part_leave_lent(part);
        good = parse_in(in, part->block, part->from, part->from + part->len, &reply);
    }
    if (!good || !parse_in(in, in->block, from, came, &reply)) {
        /* Of a part there is no room for all that it promises, which hiredis takes for a want of
         * memory. */
        bool promised = !whole && reader->err == REDIS_ERR_OOM;
        in->why = promised ? NO_REPLY_TEXT : reader->errstr;
        return NULL;
    }
    reader->pos = end;
    reader->len = came;
    in->next = (struct reply_extent){0};
    if (!whole || reply == NULL) {
        in->why = NO_REPLY_TEXT;
        return NULL;
    }
    return reply;
}

const redisReply *incoming_next(struct redis_incoming *in)
{
    const redisReader *reader = in->reader;
    if (reader == NULL || in->why != NULL) {
        return NULL;
    }
    if (in->reply != NULL) {
        forget_parts(in->reply);
    }
    if (reader->pos == reader->len) {
        empty_block(in);
        return NULL;
    }
    leave_lent(in);
    struct bytes came = bytes_of(reader->buf + reader->pos, reader->len - reader->pos);
    enum extent found = extent_find(&in->next, came);
    return found == EXTENT_PART ? NULL : parse(in, found == EXTENT_WHOLE);
}

bool incoming_in_part(const struct redis_incoming *in)
{
    return in->reader != NULL && (in->reader->pos < in->reader->len || in->part_count > 0);
}

struct incoming_reply *incoming_keep(struct redis_incoming *in)
{
    struct incoming_reply *reply = in->reply;
    assert(reply != NULL && reply->node_count > 0);
    reply->block = in->block;
    shared_hold(&reply->block->shared);
    in->reply = NULL;
    return reply;
}

/* Long strings of replies, one block after the other. */
struct long_strings {
    struct incoming_block *block;
    size_t bytes; /* in it */
    struct redis_lending *lending;
};

/* All of a block is counted. */
static void lend_block(struct long_strings *found)
{
    if (found->bytes > 0 && shared_lends(&found->block->shared, found->bytes)) {
        found->block->lent = true;
        lending_add(found->lending, &found->block->shared, found->bytes);
    }
    found->bytes = 0;
}

/* Counts those of a reply that lie in one of its blocks, from the node on. Returns the first node
 * that does not. */
static size_t find_strings(const struct incoming_reply *reply, struct incoming_block *b,
                           size_t from, struct long_strings *found)
{
    for (size_t i = from; i < reply->node_count; i++) {
        const redisReply *node = &reply->nodes[i];
        if (node->len < LENT_BYTES_MIN) {
            continue;
        }
        if (!shared_has(&b->shared, bytes_of(node->str, node->len))) {
            return i;
        }
        if (found->block != b) {
            lend_block(found);
            found->block = b;
        }
        found->bytes += node->len;
    }
    return reply->node_count;
}

void incoming_lend(struct incoming_reply *const *kept, size_t count, struct redis_lending *lending)
{
    struct long_strings found = {.lending = lending};
    for (size_t k = 0; k < count; k++) {
        const struct incoming_reply *reply = kept[k];
        size_t node = 0;
        for (size_t i = 0; i < reply->part_count; i++) {
            node = find_strings(reply, reply->parts[i].block, node, &found);
        }
        (void)find_strings(reply, reply->block, node, &found);
    }
    lend_block(&found);
}

void incoming_clear(struct redis_incoming *in)
{
    if (in->reader != NULL) {
        in->reader->buf = NULL; /* the block's */
        redisReaderFree(in->reader);
    }
    block_drop(in->block);
    parts_drop(in->parts, in->part_count);
    if (in->reply != NULL) {
        forget_parts(in->reply);
        free(in->reply);
    }
    *in = (struct redis_incoming){0};
}
