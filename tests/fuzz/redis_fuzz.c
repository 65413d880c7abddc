/* What an operator writes as REDIS_URL, and what a sentinel may send: the first is understood or
 * refused with a reason, the second names a master that can be connected to, or none. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "base/bytes.h"
#include "store/redis_url.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_str_bytes(bytes_of(data, size));
    check_url(text);
    free(text);
    check_reply(data, size);
    return 0;
}
