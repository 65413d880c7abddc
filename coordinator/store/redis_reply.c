#include "store/redis_reply.h"

struct bytes reply_bytes(const struct redisReply *r)
{
    if (r == NULL || (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_STATUS)) {
        return BYTES_NONE;
    }
    return bytes_of(r->str, r->len);
}

bool reply_is_nil(const struct redisReply *r)
{
    return r == NULL || r->type == REDIS_REPLY_NIL;
}

bool reply_is_error(const struct redisReply *r, const char *prefix)
{
    return r->type == REDIS_REPLY_ERROR && strncmp(r->str, prefix, strlen(prefix)) == 0;
}

const struct redisReply *reply_at(const struct redisReply *r, size_t i)
{
    return i < reply_count(r) ? r->element[i] : NULL;
}

size_t reply_count(const struct redisReply *r)
{
    return r != NULL && r->type == REDIS_REPLY_ARRAY ? r->elements : 0;
}

uint64_t reply_uint(const struct redisReply *r)
{
    if (r != NULL && r->type == REDIS_REPLY_INTEGER) {
        return r->integer > 0 ? (uint64_t)r->integer : 0;
    }
    struct bytes text = reply_bytes(r);
    uint64_t v = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || v > (UINT64_MAX - 9) / 10) {
            return 0;
        }
        v = v * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return v;
}
