#include "store/redis_rows.h"

#include <assert.h>
#include <stdio.h>

#include "crypto/hash.h"
#include "store/redis_command.h"

#define FENCE_TEXT_BYTES (20 + 1 + 2 * NONCE_BYTES + 1)
#define HASH_HEX_MAX     64 /* idempotency keys and body hashes are SHA-256 */

static void add(struct redis_rows *rows, struct bytes arg)
{
    command_put(&rows->args, arg);
    rows->arg_count++;
}

static void add_str(struct redis_rows *rows, const char *arg)
{
    add(rows, bytes_str(arg));
}

static void add_uint(struct redis_rows *rows, uint64_t arg)
{
    command_put_uint(&rows->args, arg);
    rows->arg_count++;
}

static void add_hex(struct redis_rows *rows, struct bytes data)
{
    char hex[HASH_HEX_MAX + 1];
    assert(data.len * 2 <= HASH_HEX_MAX);
    add(rows, bytes_str(hex_encode(data.ptr, data.len, hex)));
}

/* "epoch:nonce" */
static void add_fence(struct redis_rows *rows, const struct fence *fence)
{
    char text[FENCE_TEXT_BYTES];
    int n = snprintf(text, sizeof text, "%llu:", (unsigned long long)fence->epoch);
    hex_encode(fence->nonce, NONCE_BYTES, text + n);
    add_str(rows, text);
}

static void add_key(struct redis_rows *rows, const struct redis_names *names,
                    const struct store_row *row, enum redis_key key)
{
    struct bytes id = row->task_id;
    char hex[HASH_HEX_MAX + 1];
    if (key == KEY_IDEM) {
        assert(row->idempotency_key.len * 2 <= HASH_HEX_MAX);
        id = bytes_str(hex_encode(row->idempotency_key.ptr, row->idempotency_key.len, hex));
    } else if (key != KEY_DOC && key != KEY_ERROR && key != KEY_TASK && key != KEY_EVENTS &&
               key != KEY_ITEMS) {
        id = BYTES_NONE;
    }
    uint8_t space[256];
    struct buf name = {.ptr = space,
                       .cap = sizeof space}; /* ids are at most 128 bytes: it never grows */
    assert(id.len <= ID_BYTES_MAX);
    redis_name(names, key, row->partition, id, &name);
    command_put(&rows->keys, buf_bytes(&name));
    rows->key_count++;
}

static void add_claim(struct redis_rows *rows, const struct redis_names *names,
                      const struct store_row *row)
{
    add_key(rows, names, row, KEY_OWNER);
    add_str(rows, "c");
    if (row->claim_absent) {
        add_str(rows, "");
    } else {
        add_fence(rows, &row->fence);
    }
    char nonce[2 * NONCE_BYTES + 1];
    add_uint(rows, row->claim.epoch);
    add_str(rows, hex_encode(row->claim.nonce, NONCE_BYTES, nonce));
    add(rows, row->owner);
}

static void add_wish(struct redis_rows *rows, const struct redis_names *names,
                     const struct store_row *row)
{
    char nonce[2 * NONCE_BYTES + 1];
    add_key(rows, names, row, KEY_OWNER);
    add_str(rows, "w");
    add_fence(rows, &row->fence);
    add_str(rows, hex_encode(row->claim.nonce, NONCE_BYTES, nonce));
}

static void add_doc(struct redis_rows *rows, const struct store_row *row)
{
    size_t len = row->doc[0].len + row->doc[1].len + row->doc[2].len;
    bool whole = row->doc_whole || (row->doc_offset == 0 && row->kind == ROW_ADMIT);
    add_str(rows, len == 0 ? "" : whole ? "w" : "p");
    add_uint(rows, row->doc_offset);
    command_put_start(&rows->args, len);
    for (int i = 0; i < 3; i++) {
        buf_add_bytes(&rows->args, row->doc[i]);
    }
    command_put_end(&rows->args);
    rows->arg_count++;
}

/* What marathon.lua's take_change takes. */
static void add_change(struct redis_rows *rows, const struct redis_names *names,
                       const struct store_row *row, const char *kind)
{
    add_key(rows, names, row, KEY_OWNER);
    add_key(rows, names, row, KEY_TASK);
    add_key(rows, names, row, KEY_EVENTS);
    add_key(rows, names, row, KEY_DOC);
    add_str(rows, kind);
    add_fence(rows, &row->fence);
    add(rows, row->head);
    add_doc(rows, row);
    bool input = row->kind == ROW_UPDATE && row->input.len > 0; /* one more field of the record */
    add_uint(rows, row->step_count + (input ? 1 : 0));
    if (input) {
        add_str(rows, "input");
        add(rows, row->input);
    }
    for (uint32_t i = 0; i < row->step_count; i++) {
        char field[16];
        snprintf(field, sizeof field, "s%u", row->steps[i].index);
        add_str(rows, field);
        add(rows, row->steps[i].blob);
    }
    add_uint(rows, row->event_count);
    for (uint32_t i = 0; i < row->event_count; i++) {
        add_uint(rows, row->events[i].seq);
        add(rows, row->events[i].blob);
    }
}

static void add_items_change(struct redis_rows *rows, const struct items_change *change)
{
    static const char *const kinds[] = {
        [ITEMS_MAKE] = "m", [ITEMS_PUT] = "p", [ITEMS_AGAIN] = "a", [ITEMS_DROP] = "d"};
    bool put = change->kind == ITEMS_PUT;
    bool make = change->kind == ITEMS_MAKE;
    add_str(rows, kinds[change->kind]);
    add_uint(rows, change->step);
    add_uint(rows, put ? 3 : make ? change->count : 0);
    for (uint32_t i = 0; make && i < change->count; i++) {
        add(rows, change->values[i]);
    }
    if (put) {
        add_uint(rows, change->item);
        add(rows, change->blob);
        add(rows, change->result);
    }
}

/* What its take_items takes. */
static void add_items(struct redis_rows *rows, const struct redis_names *names,
                      const struct store_row *row)
{
    add_key(rows, names, row, KEY_ITEMS);
    add_uint(rows, row->items_count);
    for (uint32_t i = 0; i < row->items_count; i++) {
        add_items_change(rows, &row->items[i]);
    }
    if (row->doc_items == 0) {
        add_str(rows, "");
        return;
    }
    add_uint(rows, row->doc_items - 1);
    add_uint(rows, row->doc[0].len);
    add_uint(rows, row->doc_items_bytes);
}

/* What its take_life takes. */
static void add_life(struct redis_rows *rows, const struct redis_names *names,
                     const struct store_row *row)
{
    add_key(rows, names, row, KEY_ERROR);
    add_key(rows, names, row, KEY_LIVE);
    add_key(rows, names, row, KEY_ENDED);
    add_key(rows, names, row, KEY_DEAD);
    add(rows, row->task_id);
    add_str(rows, row->error_doc.len > 0 ? "s" : row->error_clear ? "d" : "");
    add(rows, row->error_doc);
    add_items(rows, names, row);
}

static void add_versions(struct redis_rows *rows, const struct store_row *row)
{
    add_uint(rows, row->version);
    add_uint(rows, row->version + 1);
}

static void add_update(struct redis_rows *rows, const struct redis_names *names,
                       const struct store_row *row)
{
    if (row->life == LIFE_KEEP && row->error_doc.len == 0 && !row->error_clear &&
        row->items_count == 0 && row->doc_items == 0) {
        add_change(rows, names, row, "u");
        add_versions(rows, row);
        return;
    }
    struct buf idem_prefix = {0};
    redis_name(names, KEY_IDEM, row->partition, BYTES_NONE, &idem_prefix);
    add_change(rows, names, row, "l");
    add_life(rows, names, row);
    bool dead = row->life == LIFE_END && row->dead.len > 0;
    add_str(rows, dead ? "d" : row->life == LIFE_END ? "e" : row->life == LIFE_REVIVE ? "r" : "k");
    add_uint(rows, row->ttl_s > 0 ? row->ttl_s : 1);
    add(rows, buf_bytes(&idem_prefix));
    if (dead) {
        add_uint(rows, row->dead_at > 0 ? (uint64_t)row->dead_at : 0);
        add(rows, row->dead);
    }
    add_versions(rows, row);
    buf_free(&idem_prefix);
}

static void add_admit(struct redis_rows *rows, const struct redis_names *names,
                      const struct store_row *row)
{
    add_change(rows, names, row, "a");
    add_life(rows, names, row);
    add_key(rows, names, row, KEY_LIST);
    if (row->idempotency_key.len > 0) {
        add_key(rows, names, row, KEY_IDEM);
    }
    add(rows, row->spec);
    add(rows, row->input);
    add_uint(rows, row->created_at > 0 ? (uint64_t)row->created_at : 0);
    add_hex(rows, row->idempotency_key);
    add_hex(rows, row->body_hash);
    add_uint(rows, row->idempotency_ttl_s > 0 ? row->idempotency_ttl_s : 1);
}

void rows_add(struct redis_rows *rows, const struct redis_names *names, const struct store_row *row)
{
    switch (row->kind) {
    case ROW_CLAIM:
        add_claim(rows, names, row);
        return;
    case ROW_RENEW:
        add_key(rows, names, row, KEY_OWNER);
        add_key(rows, names, row, KEY_ENDED);
        add_key(rows, names, row, KEY_LIST);
        add_key(rows, names, row, KEY_DEAD);
        add_str(rows, "n");
        add_fence(rows, &row->fence);
        return;
    case ROW_RELEASE:
        add_key(rows, names, row, KEY_OWNER);
        add_str(rows, "r");
        add_fence(rows, &row->fence);
        return;
    case ROW_WISH:
        add_wish(rows, names, row);
        return;
    case ROW_ADMIT:
        add_admit(rows, names, row);
        return;
    case ROW_UPDATE:
        add_update(rows, names, row);
        return;
    case ROW_UNLIST:
        add_key(rows, names, row, KEY_OWNER);
        add_key(rows, names, row, KEY_LIVE);
        add_key(rows, names, row, KEY_TASK);
        add_str(rows, "x");
        add_fence(rows, &row->fence);
        add(rows, row->task_id);
        return;
    }
    assert(false && "a row of no kind");
}

void rows_clear(struct redis_rows *rows)
{
    buf_clear(&rows->keys);
    buf_clear(&rows->args);
    rows->key_count = rows->arg_count = 0;
}

void rows_free(struct redis_rows *rows)
{
    buf_free(&rows->keys);
    buf_free(&rows->args);
    *rows = (struct redis_rows){0};
}
