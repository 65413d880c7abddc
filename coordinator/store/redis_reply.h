/* Reads hiredis replies. Internal to the redis store. */
#ifndef MARATHON_STORE_REDIS_REPLY_H
#define MARATHON_STORE_REDIS_REPLY_H

#include <hiredis/hiredis.h>

#include "base/bytes.h"

/* The bytes of a string or status; empty for nil and everything else. */
struct bytes reply_bytes(const struct redisReply *r);
bool reply_is_nil(const struct redisReply *r);
bool reply_is_error(const struct redisReply *r, const char *prefix); /* prefix "": any error */
/* Element i of an array, or NULL. */
const struct redisReply *reply_at(const struct redisReply *r, size_t i);
size_t reply_count(const struct redisReply *r); /* 0 if it is not an array */
/* The number, from an integer or decimal digits in a string; 0 for anything else. */
uint64_t reply_uint(const struct redisReply *r);

#endif
