#include "store/redis_incoming.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "store/redis_block.h"
#include "store/redis_socket.h"

#define BLOCK_BYTES 16384u /* what hiredis reads at once */
/* Within a long array a block gets this much more room than its next item needs: the beginning of a
 * further item, which must then be copied to the next block, is so a small part of what was
 * received. */
#define BLOCK_BYTES_AHEAD 32768u
#define READ_BYTES_MIN    1024u /* a smaller read is not worth the system call */

#define NO_REPLY_TEXT "Protocol error, a reply that makes no sense"

/* ---- the buffer to read into ---- */

/* Switches to a new block, and moves the bytes there that were not handed out yet. */
static void change_block(struct redis_incoming *in, size_t room)
{
    redisReader *reader = in->reader;
    struct incoming_block *b = block_make(room);
    size_t rest = reader->len - reader->pos;
    if (rest > 0) {
        memcpy(block_bytes(b), reader->buf + reader->pos, rest);
    }
    block_drop(in->block);
    in->block = b;
    reader->buf = block_bytes(b);
    reader->pos = 0;
    reader->len = rest;
}

/* Leaves the complete items where they are, if they are most of what was received. */
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

/* Room needed after pos for the next read, or for the item that it is to complete. */
static size_t room_wanted(const struct redis_incoming *in)
{
    size_t rest = in->reader->len - in->reader->pos;
    return in->next.needs > rest ? in->next.needs : rest + READ_BYTES_MIN;
}

static void let_go(struct redis_incoming *in)
{
    block_drop(in->block);
    in->block = NULL;
    in->reader->buf = NULL;
    in->reader->pos = in->reader->len = 0;
}

/* Everything was handed out and the last reply is no longer in use: reuses the block, unless
 * somebody holds it. Then the next read goes behind what is in it. A larger block was made to
 * measure for a long reply; the next one, with what precedes it, would seldom fit. */
static void empty_block(struct redis_incoming *in)
{
    if (in->block == NULL) {
        return;
    }
    if (in->block->shared.bytes.cap > BLOCK_BYTES) {
        let_go(in);
    } else if (block_is_free(in->block)) {
        in->reader->pos = in->reader->len = 0;
    }
}

/* Ensures room for the next read: in this block if the item fits there, else in a new one. */
static void make_room(struct redis_incoming *in)
{
    if (in->reader->pos == in->reader->len) {
        empty_block(in);
    }
    if (in->block != NULL && in->reader->pos + room_wanted(in) <= in->block->shared.bytes.cap) {
        return;
    }
    leave_part(in);
    bool ahead = in->part_count > 0 && in->next.items_left > 1;
    size_t room = room_wanted(in) + (ahead ? BLOCK_BYTES_AHEAD : 0);
    change_block(in, room > BLOCK_BYTES ? room : BLOCK_BYTES);
}

/* ---- verbs ---- */

size_t incoming_read(struct redis_incoming *in, struct redis_socket *socket, bool *ret_more)
{
    if (in->reader == NULL) {
        in->reader = reply_reader_create();
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

/* Lets hiredis parse the bytes [from, to) of a block. False if it refuses them. */
static bool parse_in(struct redis_incoming *in, struct incoming_block *b, size_t from, size_t to,
                     void **ret_reply)
{
    in->reader->buf = block_bytes(b);
    in->reader->pos = from;
    in->reader->len = to;
    return redisReaderGetReply(in->reader, ret_reply) == REDIS_OK;
}

/* Parses the next reply. If it is malformed, hiredis says why. pos and len are set again
 * afterwards, because hiredis discards what it has parsed, and with it everything it sees of the
 * buffer. */
static const redisReply *parse(struct redis_incoming *in, bool whole)
{
    redisReader *reader = in->reader;
    size_t from = reader->pos, end = from + in->next.len, came = reader->len;
    bool good = true;
    void *reply = NULL;
    in->reply = reply_prepare(in->reply, reader, in->next.items, in->parts, in->part_count);
    in->parts = NULL;
    in->part_count = in->part_cap = 0;
    for (size_t i = 0; i < in->reply->part_count && good; i++) {
        const struct reply_part *part = &in->reply->parts[i];
        good = parse_in(in, part->block, part->from, part->from + part->len, &reply);
    }
    if (!good || !parse_in(in, in->block, from, came, &reply)) {
        /* An incomplete reply was given too few nodes, which hiredis reports as being out of
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
        reply_forget_parts(in->reply);
    }
    if (reader->pos == reader->len) {
        empty_block(in);
        return NULL;
    }
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

void incoming_clear(struct redis_incoming *in)
{
    if (in->reader != NULL) {
        in->reader->buf = NULL; /* the block owns it */
        redisReaderFree(in->reader);
    }
    block_drop(in->block);
    parts_drop(in->parts, in->part_count);
    if (in->reply != NULL) {
        reply_forget_parts(in->reply);
        free(in->reply);
    }
    *in = (struct redis_incoming){0};
}
