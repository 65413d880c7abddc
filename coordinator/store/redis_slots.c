#include "store/redis_slots.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/redis_reply.h"

/* CRC-16/XMODEM: polynomial 0x1021, not reflected, initial value 0. */
static uint16_t crc16(struct bytes data)
{
    unsigned crc = 0;
    for (size_t i = 0; i < data.len; i++) {
        crc ^= (unsigned)data.ptr[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000u) != 0 ? crc << 1 ^ 0x1021u : crc << 1;
        }
    }
    return (uint16_t)crc;
}

uint16_t slot_of(struct bytes key)
{
    const uint8_t *open = key.len > 0 ? memchr(key.ptr, '{', key.len) : NULL;
    if (open != NULL) {
        size_t from = (size_t)(open - key.ptr) + 1;
        const uint8_t *close = from < key.len ? memchr(key.ptr + from, '}', key.len - from) : NULL;
        size_t len = close != NULL ? (size_t)(close - key.ptr) - from : 0;
        key = len > 0 ? bytes_part(key, from, len) : key;
    }
    return crc16(key) % CLUSTER_SLOTS;
}

static bool node_fill(struct bytes host, long port, struct redis_node *ret_node)
{
    if (host.len >= sizeof ret_node->host || port < 1 || port > 65535) {
        return false;
    }
    *ret_node = (struct redis_node){.port = (int)port};
    if (host.len > 0) {
        memcpy(ret_node->host, host.ptr, host.len);
    }
    return true;
}

/* " <slot> <host>:<port>"; the host may contain colons. */
static bool take_target(const char *text, struct redirect *r)
{
    char *end = NULL;
    unsigned long slot = strtoul(text, &end, 10);
    const char *host = end + (*end == ' ');
    const char *colon = strrchr(host, ':');
    if (end == text || slot >= CLUSTER_SLOTS || colon == NULL) {
        return false;
    }
    r->slot = (uint16_t)slot;
    return node_fill(bytes_of(host, (size_t)(colon - host)), strtol(colon + 1, NULL, 10), &r->node);
}

bool redirect_read(const struct redisReply *reply, struct redirect *ret_redirect)
{
    struct redirect r = {.kind = REDIRECT_LATER};
    if (!reply_is_error(reply, "")) {
        return false;
    }
    if (reply_is_error(reply, "MOVED ") && take_target(reply->str + strlen("MOVED "), &r)) {
        r.kind = REDIRECT_MOVED;
    } else if (reply_is_error(reply, "ASK ") && take_target(reply->str + strlen("ASK "), &r)) {
        r.kind = REDIRECT_ASK;
    } else if (!reply_is_error(reply, "TRYAGAIN") && !reply_is_error(reply, "CLUSTERDOWN") &&
               strstr(reply->str, "non local key") == NULL) { /* for keys that a function names */
        return false;
    }
    *ret_redirect = r;
    return true;
}

bool slot_range_read(const struct redisReply *reply, size_t i, struct slot_range *ret_range)
{
    const struct redisReply *entry = reply_at(reply, i);
    const struct redisReply *master = reply_at(entry, 2);
    uint64_t first = reply_uint(reply_at(entry, 0));
    uint64_t last = reply_uint(reply_at(entry, 1));
    struct bytes host = reply_bytes(reply_at(master, 0));
    /* the node announces itself by a host name that is not configured */
    host = bytes_is(host, "?") ? BYTES_NONE : host;
    if (first > last || last >= CLUSTER_SLOTS ||
        !node_fill(host, (long)reply_uint(reply_at(master, 1)), &ret_range->master)) {
        return false;
    }
    ret_range->first = (uint16_t)first;
    ret_range->last = (uint16_t)last;
    return true;
}
