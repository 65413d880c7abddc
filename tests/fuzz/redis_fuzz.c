/* What an operator writes as REDIS_URL, what a sentinel may send, and what any server may: the
 * first is understood or refused with a reason, the second names a master that can be connected to,
 * or none, and replies are those that hiredis reads, in whatever pieces they come. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "base/bytes.h"
#include "store/redis_incoming.h"
#include "store/redis_url.h"
#include "store/redis_socket.h"
#include "store/sentinel_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_host(const struct redis_node *node)
{
    assert(memchr(node->host, 0, sizeof node->host) != NULL && node->host[0] != '\0');
    assert(node->port > 0 && node->port <= 65535);
}

static void check_url(const char *text)
{
    struct redis_url u;
    const char *message = NULL;
    if (redis_url_parse(text, &u, &message) != ERR_OK) {
        assert(message != NULL && message[0] != '\0');
        return;
    }
    assert(u.db >= 0 && u.db <= REDIS_DB_MAX && u.node_count <= REDIS_NODES_MAX);
    assert((u.kind == REDIS_SENTINEL) == (u.master[0] != '\0'));
    for (uint32_t i = 0; i < u.node_count; i++) {
        check_host(&u.nodes[i]);
    }
}

static void check_reply(const uint8_t *data, size_t size)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    if (redisReaderFeed(reader, (const char *)data, size) == REDIS_OK &&
        redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
        struct redis_node node;
        (void)sentinel_read_epoch(reply);
        if (sentinel_read_address(reply, &node)) {
            check_host(&node);
        }
        freeReplyObject(reply);
    }
    redisReaderFree(reader);
}

static void check_same(const redisReply *a, const redisReply *b)
{
    assert(a->type == b->type && a->integer == b->integer && a->elements == b->elements);
    assert(a->len == b->len && (b->str == NULL || memcmp(a->str, b->str, b->len + 1) == 0));
    for (size_t i = 0; i < a->elements; i++) {
        check_same(a->element[i], b->element[i]);
    }
}

/* hiredis may refuse what has come of a reply before it is whole, and never later. */
static void take_replies(struct redis_incoming *in, redisReader *reader)
{
    const redisReply *reply = NULL;
    while ((reply = incoming_next(in)) != NULL) {
        void *same = NULL;
        assert(redisReaderGetReply(reader, &same) == REDIS_OK && same != NULL);
        check_same(reply, same);
        freeReplyObject(same);
    }
}

static void check_incoming(const uint8_t *data, size_t size)
{
    size_t cut = size > 0 ? data[size - 1] % size : 0;
    struct bytes pieces[2] = {bytes_of(data, cut), bytes_of(data + cut, size - cut)};
    redisReader *reader = redisReaderCreate();
    redisReaderFeed(reader, (const char *)data, size);
    struct redis_incoming in = {0};
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0) {
        abort();
    }
    for (size_t i = 0; i < 2; i++) {
        ssize_t sent = pieces[i].len > 0 ? send(fds[1], pieces[i].ptr, pieces[i].len, 0) : 0;
        bool more = sent > 0;
        while (more && in.why == NULL) {
            (void)incoming_read(&in, &(struct redis_socket){.fd = fds[0]}, &more);
            take_replies(&in, reader);
        }
    }
    void *none = NULL;
    assert(in.why != NULL || size > 60000 || redisReaderGetReply(reader, &none) != REDIS_OK ||
           none == NULL);
    freeReplyObject(none);
    incoming_clear(&in);
    redisReaderFree(reader);
    close(fds[0]);
    close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_str_bytes(bytes_of(data, size));
    check_url(text);
    free(text);
    check_reply(data, size);
    check_incoming(data, size);
    return 0;
}
