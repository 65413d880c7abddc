/* Inside of redis_rows: what a row of a task is as marathon.lua takes it, and how arguments are
 * added. Pure. */
#ifndef MARATHON_STORE_REDIS_CHANGE_H
#define MARATHON_STORE_REDIS_CHANGE_H

#include "store/redis_rows.h"

#define HASH_HEX_MAX 64 /* idempotency keys and body hashes are SHA-256 */

/* The kinds that marathon.lua knows, by their place in its table. */
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
/* Begins the row: what it is, and whose partition it writes to. */
void rows_kind(struct redis_rows *rows, const struct store_row *row, enum lua_kind kind);
void rows_key(struct redis_rows *rows, const struct redis_names *names, const struct store_row *row,
              enum redis_key key);
void rows_arg(struct redis_rows *rows, struct bytes arg);
/* An argument of len bytes, which are put one behind the other. */
void rows_arg_begin(struct redis_rows *rows, size_t len);
void rows_put(struct redis_rows *rows, struct bytes text,
              struct shared *lender); /* lent where it is long; NULL: copied */
void rows_put_blob(struct redis_rows *rows, const struct store_row *row, const struct parts *blob);
void rows_arg_end(struct redis_rows *rows);
void rows_arg_blob(struct redis_rows *rows, const struct store_row *row, const struct parts *blob);
/* Lent where it is long and lies in one of the row's lenders; else copied once, a long one apart
 * from what moves whenever it grows. */
void rows_arg_payload(struct redis_rows *rows, const struct store_row *row, struct bytes payload);
void rows_arg_str(struct redis_rows *rows, const char *arg);
void rows_arg_uint(struct redis_rows *rows, uint64_t arg);
void rows_arg_hex(struct redis_rows *rows, struct bytes data); /* HASH_HEX_MAX / 2 at most */

/* redis_change.c */
void change_add_admit(struct redis_rows *rows, const struct redis_names *names,
                      const struct store_row *row, const struct row_texts *texts);
void change_add_update(struct redis_rows *rows, const struct redis_names *names,
                       const struct store_row *row, const struct row_texts *texts);

#endif
