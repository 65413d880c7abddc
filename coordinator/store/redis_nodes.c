#include "store/redis_nodes.h"

#include <stdlib.h>
#include <hiredis/sds.h>

#include "base/err.h"
#include "store/redis_block.h"
#include "store/redis_lending.h"

#if HIREDIS_MAJOR >= 1
#define sdsfree hi_sdsfree
typedef size_t element_count;
#else
typedef int element_count;
#endif

#define NODES_KEPT_MAX 512u /* a larger reply is freed when the next one comes */

/* ---- callbacks of hiredis' parser ---- */

static redisReply *add_node(const redisReadTask *task, int type)
{
    struct incoming_reply *reply = task->privdata;
    if (reply->node_count == reply->nodes_max) {
        return NULL; /* hiredis takes it for being out of memory, and gives up */
    }
    redisReply *node = &reply->nodes[reply->node_count++];
    *node = (redisReply){.type = type};
    if (task->parent != NULL) {
        redisReply *array = task->parent->obj;
        array->element[task->idx] = node;
    }
    return node;
}

/* The NUL overwrites the CR behind the string, which was parsed already. */
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

/* If hiredis refuses a reply, it frees first the reply, then its buffer. That is a block in which
 * others may hold earlier replies, so it is taken away here. node: the first of the reply. */
static void give_up(void *node)
{
    uint8_t *reply = (uint8_t *)node - offsetof(struct incoming_reply, nodes);
    ((struct incoming_reply *)(void *)reply)->reader->buf = NULL;
}

static redisReplyObjectFunctions functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_nil,
    .freeObject = give_up, /* all nodes are in one allocation of ours */
};

redisReader *reply_reader_create(void)
{
    redisReader *reader = redisReaderCreateWithFunctions(&functions);
    if (reader == NULL) {
        die("out of memory (a connection to Redis)");
    }
    sdsfree(reader->buf);
    reader->buf = NULL;
    return reader;
}

/* ---- memory ---- */

void parts_drop(struct reply_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        block_drop(parts[i].block);
    }
    free(parts);
}

void reply_forget_parts(struct incoming_reply *reply)
{
    parts_drop(reply->parts, reply->part_count);
    reply->parts = NULL;
    reply->part_count = 0;
}

struct incoming_reply *reply_prepare(struct incoming_reply *reply, redisReader *reader,
                                     size_t nodes, struct reply_part *parts, size_t part_count)
{
    if (reply == NULL || reply->nodes_max < nodes || reply->nodes_max > NODES_KEPT_MAX) {
        free(reply);
        reply = mem_alloc(sizeof *reply + nodes * (sizeof *reply->nodes + sizeof *reply->links));
        reply->nodes_max = nodes;
        reply->links = (redisReply **)(void *)(reply->nodes + nodes);
    }
    reply->node_count = reply->link_count = 0;
    reply->parts = parts;
    reply->part_count = part_count;
    reply->reader = reader;
    reader->privdata = reply;
    reader->reply = reply->nodes; /* else give_up is not called if the first item is refused */
    return reply;
}

void incoming_reply_drop(struct incoming_reply *reply)
{
    if (reply != NULL) {
        reply_forget_parts(reply);
        block_drop(reply->block);
        free(reply);
    }
}

/* ---- lending ---- */

/* Lends block b if a long string, from node `from` on, lies in it. Returns the first node whose
 * string does not. */
static size_t lend_block(const struct incoming_reply *reply, struct incoming_block *b, size_t from,
                         struct redis_lending *lending)
{
    for (size_t i = from; i < reply->node_count; i++) {
        const redisReply *node = &reply->nodes[i];
        if (node->len < LENT_BYTES_MIN) {
            continue;
        }
        if (!shared_has(&b->shared, bytes_of(node->str, node->len))) {
            return i;
        }
        lending_add(lending, &b->shared, node->len);
    }
    return reply->node_count;
}

void incoming_lend(struct incoming_reply *const *kept, size_t count, struct redis_lending *lending)
{
    for (size_t k = 0; k < count; k++) {
        const struct incoming_reply *reply = kept[k];
        size_t node = 0;
        for (size_t i = 0; i < reply->part_count; i++) {
            node = lend_block(reply, reply->parts[i].block, node, lending);
        }
        (void)lend_block(reply, reply->block, node, lending);
    }
}
