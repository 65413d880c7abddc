/* Internal to redis_rows: encodes a row that changes a task in the form marathon.lua expects, and
 * adds arguments. Pure. */
#ifndef MARATHON_STORE_REDIS_CHANGE_H
#define MARATHON_STORE_REDIS_CHANGE_H

#include "store/redis_rows.h"

#define HASH_HEX_MAX 64 /* idempotency keys and body hashes are SHA-256 */

/* Row kinds of marathon.lua: indexes of its table of functions. */
enum lua_kind {
    LUA_CLAIM = 1,
    LUA_RENEW,
    LUA_RELEASE,
    LUA_WISH,
    LUA_ADMIT,
    LUA_STEP,
    LUA_UPDATE,
    LUA_UNLIST,
    LUA_UPDATE_USAGE,
};

/* redis_rows.c */
/* Begins a row: its kind, and the partition it writes to. */
void rows_kind(struct redis_rows *rows, const struct store_row *row, enum lua_kind kind);
void rows_key(struct redis_rows *rows, const struct redis_names *names, const struct store_row *row,
              enum redis_key key);
void rows_arg(struct redis_rows *rows, struct bytes arg);
/* An argument of exactly len bytes, which the rows_put calls that follow append piece by piece. */
void rows_arg_begin(struct redis_rows *rows, size_t len);
/* the text is lent (not copied) if it is long; NULL: always copied */
void rows_put(struct redis_rows *rows, struct bytes text, struct shared *lender);
void rows_put_blob(struct redis_rows *rows, const struct store_row *row, const struct parts *blob);
void rows_arg_end(struct redis_rows *rows);
void rows_arg_blob(struct redis_rows *rows, const struct store_row *row, const struct parts *blob);
/* Lends the payload if it is long and lies in one of the row's lenders. Otherwise copies it once; a
 * long one into a buffer of its own, which does not move when the arguments grow. */
void rows_arg_payload(struct redis_rows *rows, const struct store_row *row, struct bytes payload);
void rows_arg_str(struct redis_rows *rows, const char *arg);
void rows_arg_uint(struct redis_rows *rows, uint64_t arg);
void rows_arg_hex(struct redis_rows *rows, struct bytes data); /* at most HASH_HEX_MAX / 2 bytes */

/* redis_change.c */
void change_add_admit(struct redis_rows *rows, const struct redis_names *names,
                      const struct store_row *row, const struct row_texts *texts);
void change_add_update(struct redis_rows *rows, const struct redis_names *names,
                       const struct store_row *row, const struct row_texts *texts);

#endif
