#include "store/redis_rows.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "store/redis_change.h"
#include "store/redis_command.h"

/* shorter texts are copied: one more slice in a write costs as much */
#define TEXT_BYTES_MIN   256u
#define FENCE_TEXT_BYTES (20 + 1 + 2 * NONCE_BYTES + 1)

void rows_arg(struct redis_rows *rows, struct bytes arg)
{
    command_put(&rows->args.own, arg);
    rows->arg_count++;
}

void rows_arg_begin(struct redis_rows *rows, size_t len)
{
    command_put_start(&rows->args.own, len);
    rows->arg_count++;
}

void rows_put(struct redis_rows *rows, struct bytes text, struct shared *lender)
{
    if (lender == NULL || text.len < TEXT_BYTES_MIN) {
        buf_add_bytes(&rows->args.own, text);
    } else {
        slices_lend(&rows->args, text, lender);
    }
}

void rows_put_blob(struct redis_rows *rows, const struct store_row *row, const struct parts *blob)
{
    struct lenders lenders = row->lenders;
    buf_add_bytes(&rows->args.own, blob->count == 0 ? blob->whole : BYTES_NONE);
    for (uint32_t i = 0; i < blob->count; i++) {
        rows_put(rows, blob->items[i], lenders_find(&lenders, blob->items[i]));
    }
}

void rows_arg_end(struct redis_rows *rows)
{
    command_put_end(&rows->args.own);
}

void rows_arg_blob(struct redis_rows *rows, const struct store_row *row, const struct parts *blob)
{
    rows_arg_begin(rows, parts_len(blob));
    rows_put_blob(rows, row, blob);
    rows_arg_end(rows);
}

void rows_arg_payload(struct redis_rows *rows, const struct store_row *row, struct bytes payload)
{
    if (payload.len < LENT_BYTES_MIN) {
        rows_arg(rows, payload);
        return;
    }
    struct lenders lenders = row->lenders;
    struct shared *lender = lenders_find(&lenders, payload);
    struct shared *text = lender != NULL ? shared_hold(lender) : shared_copy(payload);
    rows_arg_begin(rows, payload.len);
    rows_put(rows, lender != NULL ? payload : shared_bytes(text), text);
    rows_arg_end(rows);
    shared_drop(text);
}

void rows_arg_str(struct redis_rows *rows, const char *arg)
{
    rows_arg(rows, bytes_str(arg));
}

void rows_arg_uint(struct redis_rows *rows, uint64_t arg)
{
    command_put_uint(&rows->args.own, arg);
    rows->arg_count++;
}

void rows_arg_hex(struct redis_rows *rows, struct bytes data)
{
    char hex[HASH_HEX_MAX + 1];
    assert(data.len * 2 <= HASH_HEX_MAX);
    rows_arg(rows, bytes_str(hex_encode(data.ptr, data.len, hex)));
}

static void put_key(struct buf *out, const struct redis_names *names, const struct store_row *row,
                    enum redis_key key)
{
    struct bytes id = row->task_id;
    char day[DAY_TEXT_BYTES];
    if (key == KEY_USAGE) {
        id = bytes_str(day_format(row->usage_day, day));
    } else if (key != KEY_DOC && key != KEY_TASK) {
        id = BYTES_NONE;
    }
    uint8_t space[256];
    struct buf name = {.ptr = space, .cap = sizeof space}; /* never grows: ids are short */
    assert(id.len <= ID_BYTES_MAX);
    redis_name(names, key, row->partition, id, &name);
    command_put(out, buf_bytes(&name));
}

void rows_key(struct redis_rows *rows, const struct redis_names *names, const struct store_row *row,
              enum redis_key key)
{
    put_key(&rows->keys, names, row, key);
    rows->key_count++;
}

static bool fence_is(const struct fence *a, const struct fence *b)
{
    return a->epoch == b->epoch && memcmp(a->nonce, b->nonce, NONCE_BYTES) == 0;
}

/* The fence as marathon.lua finds it stored: "epoch:nonce", or empty for no record. */
static uint8_t add_fence(struct redis_rows *rows, const struct fence *fence)
{
    uint8_t space[FENCE_TEXT_BYTES];
    struct buf text = {.ptr = space, .cap = sizeof space}; /* never grows */
    if (fence != NULL) {
        char nonce[2 * NONCE_BYTES + 1];
        buf_add_uint(&text, fence->epoch);
        buf_add_char(&text, ':');
        buf_add_str(&text, hex_encode(fence->nonce, NONCE_BYTES, nonce));
    }
    command_put(&rows->fences, buf_bytes(&text));
    return ++rows->fence_count;
}

/* The fence's number in this call: that of another partition with the same fence, or a new one. */
static uint8_t fence_number(struct redis_rows *rows, const struct fence *fence)
{
    for (partition_id p = 0; p < PARTITION_COUNT; p++) {
        if (rows->owner_of[p] != 0 && fence_is(&rows->fence_of[p], fence)) {
            return rows->fence_no[p];
        }
    }
    return add_fence(rows, fence);
}

void rows_kind(struct redis_rows *rows, const struct store_row *row, enum lua_kind kind)
{
    partition_id p = row->partition;
    bool same =
        rows->owner_of[p] != 0 && kind != LUA_CLAIM && fence_is(&rows->fence_of[p], &row->fence);
    if (!same) {
        bool none = kind == LUA_CLAIM && row->claim_absent;
        uint8_t number = none ? add_fence(rows, NULL) : fence_number(rows, &row->fence);
        buf_add_char(&rows->owners, (char)p);
        buf_add_char(&rows->owners, (char)number);
        rows->owner_of[p] = ++rows->owner_count;
        rows->fence_no[p] = number;
        rows->fence_of[p] = row->fence;
    }
    rows->more_than_steps |= kind != LUA_STEP;
    buf_add_char(&rows->plan, (char)kind);
    buf_add_char(&rows->plan, (char)rows->owner_of[p]);
    if (kind == LUA_CLAIM) {
        rows->owner_of[p] = 0;
    }
}

static void add_claim(struct redis_rows *rows, const struct redis_names *names,
                      const struct store_row *row)
{
    rows_kind(rows, row, LUA_CLAIM);
    rows_key(rows, names, row, KEY_OWNER);
    char nonce[2 * NONCE_BYTES + 1];
    rows_arg_uint(rows, row->claim.epoch);
    rows_arg_str(rows, hex_encode(row->claim.nonce, NONCE_BYTES, nonce));
    rows_arg(rows, row->owner);
}

static void add_wish(struct redis_rows *rows, const struct redis_names *names,
                     const struct store_row *row)
{
    char nonce[2 * NONCE_BYTES + 1];
    rows_kind(rows, row, LUA_WISH);
    rows_key(rows, names, row, KEY_OWNER);
    rows_arg_str(rows, hex_encode(row->claim.nonce, NONCE_BYTES, nonce));
}

void rows_add(struct redis_rows *rows, const struct redis_names *names, const struct store_row *row,
              const struct row_texts *texts)
{
    switch (row->kind) {
    case ROW_CLAIM:
        add_claim(rows, names, row);
        return;
    case ROW_RENEW:
        rows_kind(rows, row, LUA_RENEW);
        rows_key(rows, names, row, KEY_OWNER);
        rows_arg_uint(rows, row->ttl_s);
        return;
    case ROW_RELEASE:
        rows_kind(rows, row, LUA_RELEASE);
        rows_key(rows, names, row, KEY_OWNER);
        return;
    case ROW_WISH:
        add_wish(rows, names, row);
        return;
    case ROW_ADMIT:
        change_add_admit(rows, names, row, texts);
        return;
    case ROW_UPDATE:
        change_add_update(rows, names, row, texts);
        return;
    case ROW_UNLIST:
        rows_kind(rows, row, LUA_UNLIST);
        rows_key(rows, names, row, KEY_LIVE);
        rows_key(rows, names, row, KEY_TASK);
        rows_arg(rows, row->task_id);
        return;
    }
    assert(false && "a row of no kind");
}

size_t rows_bytes(const struct redis_rows *rows)
{
    return rows->fences.len + rows->keys.len + slices_len(&rows->args);
}

void rows_plan(const struct redis_rows *rows, bool in_cluster, struct buf *out)
{
    command_put_start(out, 3 + rows->owners.len + rows->plan.len);
    buf_add_char(out, in_cluster ? '{' : 'p');
    buf_add_char(out, (char)rows->owner_count);
    buf_add_char(out, (char)rows->fence_count);
    buf_add_bytes(out, buf_bytes(&rows->owners));
    buf_add_bytes(out, buf_bytes(&rows->plan));
    command_put_end(out);
}

void rows_clear(struct redis_rows *rows)
{
    struct redis_rows kept = *rows;
    *rows = (struct redis_rows){.plan = kept.plan,
                                .owners = kept.owners,
                                .fences = kept.fences,
                                .keys = kept.keys,
                                .args = kept.args};
    buf_clear(&rows->plan);
    buf_clear(&rows->owners);
    buf_clear(&rows->fences);
    buf_clear(&rows->keys);
    slices_clear(&rows->args);
}

void rows_free(struct redis_rows *rows)
{
    buf_free(&rows->plan);
    buf_free(&rows->owners);
    buf_free(&rows->fences);
    buf_free(&rows->keys);
    slices_free(&rows->args);
    *rows = (struct redis_rows){0};
}
