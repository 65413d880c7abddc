#include "store/redis_rows.h"

#include <assert.h>
#include <stdio.h>

#include "base/pack.h"
#include "crypto/hash.h"
#include "model/limits.h"
#include "store/redis_command.h"

#define FENCE_TEXT_BYTES (20 + 1 + 2 * NONCE_BYTES + 1)
#define TRIM_EVERY       1000u /* events: old ones leave many at once */

/* The kinds that marathon.lua knows, by their place in its table. */
enum lua_kind {
    LUA_CLAIM = 1,
    LUA_RENEW,
    LUA_RELEASE,
    LUA_WISH,
    LUA_ADMIT,
    LUA_STEP,
    LUA_UPDATE,
    LUA_UPDATE_LIFE,
    LUA_UNLIST,
    LUA_UPDATE_USAGE,
};
#define EVENT_FRAME_BYTES 20u /* a seq and a length, at most */
#define HASH_HEX_MAX      64  /* idempotency keys and body hashes are SHA-256 */

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

static void put_key(struct buf *out, const struct redis_names *names, const struct store_row *row,
                    enum redis_key key)
{
    struct bytes id = row->task_id;
    char hex[HASH_HEX_MAX + 1];
    char day[DAY_TEXT_BYTES];
    if (key == KEY_USAGE) {
        id = bytes_str(day_format(row->usage_day, day));
    } else if (key == KEY_IDEM) {
        assert(row->idempotency_key.len * 2 <= HASH_HEX_MAX);
        id = bytes_str(hex_encode(row->idempotency_key.ptr, row->idempotency_key.len, hex));
    } else if (key != KEY_DOC && key != KEY_ERROR && key != KEY_TASK && key != KEY_ITEMS) {
        id = BYTES_NONE;
    }
    uint8_t space[256];
    struct buf name = {.ptr = space,
                       .cap = sizeof space}; /* ids are at most 128 bytes: it never grows */
    assert(id.len <= ID_BYTES_MAX);
    redis_name(names, key, row->partition, id, &name);
    command_put(out, buf_bytes(&name));
}

static void add_key(struct redis_rows *rows, const struct redis_names *names,
                    const struct store_row *row, enum redis_key key)
{
    put_key(&rows->keys, names, row, key);
    rows->key_count++;
}

/* Begins the row: what it is, and whose partition it writes to. */
static void add_kind(struct redis_rows *rows, const struct redis_names *names,
                     const struct store_row *row, enum lua_kind kind)
{
    partition_id p = row->partition;
    const struct fence *fence = &row->fence;
    struct fence *known = &rows->fence_of[p];
    bool same = rows->owner_of[p] != 0 && kind != LUA_CLAIM && known->epoch == fence->epoch &&
                memcmp(known->nonce, fence->nonce, NONCE_BYTES) == 0;
    if (!same) {
        char text[FENCE_TEXT_BYTES] = ""; /* "epoch:nonce" */
        if (kind != LUA_CLAIM || !row->claim_absent) {
            int n = snprintf(text, sizeof text, "%llu:", (unsigned long long)fence->epoch);
            hex_encode(fence->nonce, NONCE_BYTES, text + n);
        }
        put_key(&rows->owners, names, row, KEY_FENCE);
        command_put(&rows->fences, bytes_str(text));
        rows->owner_of[p] = ++rows->owner_count;
        *known = *fence;
    }
    buf_add_char(&rows->plan, (char)kind);
    buf_add_char(&rows->plan, (char)rows->owner_of[p]);
    if (kind == LUA_CLAIM) {
        rows->owner_of[p] = 0;
    }
}

static void add_claim(struct redis_rows *rows, const struct redis_names *names,
                      const struct store_row *row)
{
    add_kind(rows, names, row, LUA_CLAIM);
    add_key(rows, names, row, KEY_OWNER);
    char nonce[2 * NONCE_BYTES + 1];
    add_uint(rows, row->claim.epoch);
    add_str(rows, hex_encode(row->claim.nonce, NONCE_BYTES, nonce));
    add(rows, row->owner);
}

static void add_wish(struct redis_rows *rows, const struct redis_names *names,
                     const struct store_row *row)
{
    char nonce[2 * NONCE_BYTES + 1];
    add_kind(rows, names, row, LUA_WISH);
    add_key(rows, names, row, KEY_OWNER);
    add_str(rows, hex_encode(row->claim.nonce, NONCE_BYTES, nonce));
}

static size_t doc_len(const struct store_row *row)
{
    return row->doc[0].len + row->doc[1].len + row->doc[2].len;
}

static bool doc_whole(const struct store_row *row)
{
    return row->doc_whole || (row->doc_offset == 0 && row->kind == ROW_ADMIT);
}

/* As take_change knows it. */
static const char *doc_mode(const struct store_row *row)
{
    if (doc_len(row) == 0 || doc_whole(row)) {
        return doc_len(row) == 0 ? "" : "w";
    }
    int part = 2;
    while (row->doc[part].len == 0) {
        part--;
    }
    struct bytes last = row->doc[part];
    bool to_the_end =
        row->doc_offset + doc_len(row) + row->doc_items_bytes >= row->stored_doc_bytes;
    return to_the_end && last.ptr[last.len - 1] != ' ' ? "e" : "p";
}

static void add_doc_text(struct redis_rows *rows, const struct store_row *row)
{
    command_put_start(&rows->args, doc_len(row));
    for (int i = 0; i < 3; i++) {
        buf_add_bytes(&rows->args, row->doc[i]);
    }
    command_put_end(&rows->args);
    rows->arg_count++;
}

/* Does the row follow what it says is stored: events in order, the patch within the document? */
static bool fits(const struct store_row *row)
{
    uint64_t last = row->stored_seq;
    for (uint32_t i = 0; i < row->event_count; i++) {
        if (row->events[i].seq <= last) {
            return false;
        }
        last = row->events[i].seq;
    }
    return doc_len(row) == 0 || doc_whole(row) || row->doc_offset <= row->stored_doc_bytes;
}

/* The field v: version, newest seq, length of the document, as text; then the head. */
static void put_state(struct buf *out, uint64_t version, uint64_t seq, uint64_t doc_bytes)
{
    buf_add_uint(out, version);
    buf_add_char(out, ':');
    buf_add_uint(out, seq);
    buf_add_char(out, ':');
    buf_add_uint(out, doc_bytes);
    buf_add_char(out, ':');
}

#define STATE_TEXT_BYTES (3 * 21u)

/* What must be stored, and what will be. The latter is empty in a row that does not fit. */
static void add_states(struct redis_rows *rows, const struct store_row *row)
{
    uint8_t space[STATE_TEXT_BYTES];
    struct buf state = {.ptr = space, .cap = sizeof space}; /* never grows */
    if (row->kind == ROW_UPDATE) {
        put_state(&state, row->version, row->stored_seq, row->stored_doc_bytes);
    }
    add(rows, buf_bytes(&state));
    if (!fits(row)) {
        add_str(rows, "");
        return;
    }
    uint64_t doc_bytes = row->stored_doc_bytes;
    uint64_t end = row->doc_offset + doc_len(row) + row->doc_items_bytes;
    if (doc_len(row) > 0) {
        doc_bytes = doc_whole(row) || end > doc_bytes ? end : doc_bytes;
    }
    uint64_t seq = row->event_count > 0 ? row->events[row->event_count - 1].seq : row->stored_seq;
    buf_clear(&state);
    put_state(&state, row->kind == ROW_UPDATE ? row->version + 1 : 1, seq, doc_bytes);
    command_put_start(&rows->args, state.len + row->head.len);
    buf_add_bytes(&rows->args, buf_bytes(&state));
    buf_add_bytes(&rows->args, row->head);
    command_put_end(&rows->args);
    rows->arg_count++;
}

static void add_numbered(struct redis_rows *rows, char letter, uint64_t number)
{
    uint8_t space[24];
    struct buf name = {.ptr = space, .cap = sizeof space}; /* never grows */
    buf_add_char(&name, letter);
    buf_add_uint(&name, number);
    add(rows, buf_bytes(&name));
}

static void add_steps(struct redis_rows *rows, const struct store_row *row)
{
    for (uint32_t i = 0; i < row->step_count; i++) {
        add_numbered(rows, 's', row->steps[i].index);
        add(rows, row->steps[i].blob);
    }
}

/* One field, with all of them. */
static void add_events(struct redis_rows *rows, const struct store_row *row)
{
    if (row->event_count == 0) {
        return;
    }
    uint8_t space[512]; /* it seldom grows */
    struct buf entry = {.ptr = space, .cap = sizeof space};
    struct buf grown = {0};
    size_t len = 0;
    for (uint32_t i = 0; i < row->event_count; i++) {
        len += EVENT_FRAME_BYTES + row->events[i].blob.len;
    }
    struct buf *out = len <= sizeof space ? &entry : &grown;
    for (uint32_t i = 0; i < row->event_count; i++) {
        pack_uint(out, row->events[i].seq);
        pack_bytes(out, row->events[i].blob);
    }
    add_numbered(rows, 'h', row->events[0].seq);
    add(rows, buf_bytes(out));
    buf_free(&grown);
}

/* What its function step takes: one step, events, a patch, and nothing else. */
static bool is_step(const struct store_row *row)
{
    return row->step_count == 1 && row->event_count > 0 && row->input.len == 0 &&
           doc_len(row) > 0 && !doc_whole(row) && fits(row);
}

static bool trims(const struct store_row *row, uint64_t *ret_to)
{
    if (row->kind != ROW_UPDATE || row->event_count == 0) {
        return false;
    }
    uint64_t last = row->events[row->event_count - 1].seq;
    *ret_to = last > EVENTS_KEPT_MAX ? last - EVENTS_KEPT_MAX : 0;
    return *ret_to > 0 && last / TRIM_EVERY != row->stored_seq / TRIM_EVERY;
}

static void add_step(struct redis_rows *rows, const struct redis_names *names,
                     const struct store_row *row)
{
    add_kind(rows, names, row, LUA_STEP);
    add_key(rows, names, row, KEY_TASK);
    add_key(rows, names, row, KEY_DOC);
    add_states(rows, row);
    add_uint(rows, row->doc_offset);
    add_doc_text(rows, row);
    add_steps(rows, row);
    add_events(rows, row);
}

/* What its take_change takes, after the kind. */
static void add_change(struct redis_rows *rows, const struct redis_names *names,
                       const struct store_row *row)
{
    add_key(rows, names, row, KEY_TASK);
    add_key(rows, names, row, KEY_DOC);
    add_states(rows, row);
    add_str(rows, doc_mode(row));
    add_uint(rows, row->doc_offset);
    add_doc_text(rows, row);
    uint64_t trim_to = 0;
    if (trims(row, &trim_to)) {
        add_uint(rows, trim_to);
    } else {
        add_str(rows, "");
    }
    bool input = row->kind == ROW_UPDATE && row->input.len > 0; /* one more field of the record */
    add_uint(rows, row->step_count + (input ? 1 : 0) + (row->event_count > 0 ? 1 : 0));
    if (input) {
        add_str(rows, "input");
        add(rows, row->input);
    }
    add_steps(rows, row);
    add_events(rows, row);
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

/* What its take_usage takes, before all else of the row. */
static void add_usage(struct redis_rows *rows, const struct redis_names *names,
                      const struct store_row *row)
{
    add_kind(rows, names, row, LUA_UPDATE_USAGE);
    add_key(rows, names, row, KEY_USAGE);
    add(rows, row->usage_type);
    add_uint(rows, row->usage_count);
    for (uint32_t i = 0; i < row->usage_count; i++) {
        add(rows, row->usage[i].model);
        add_uint(rows, row->usage[i].sum.input_tokens);
        add_uint(rows, row->usage[i].sum.output_tokens);
        add_uint(rows, row->usage[i].sum.cost_nano);
    }
}

static void add_update(struct redis_rows *rows, const struct redis_names *names,
                       const struct store_row *row)
{
    uint64_t trim_to = 0;
    if (row->life == LIFE_KEEP && row->error_doc.len == 0 && !row->error_clear &&
        row->items_count == 0 && row->doc_items == 0 && row->usage_count == 0) {
        if (is_step(row) && !trims(row, &trim_to)) {
            add_step(rows, names, row);
        } else {
            add_kind(rows, names, row, LUA_UPDATE);
            add_change(rows, names, row);
        }
        return;
    }
    struct buf idem_prefix = {0};
    redis_name(names, KEY_IDEM, row->partition, BYTES_NONE, &idem_prefix);
    if (row->usage_count > 0) {
        add_usage(rows, names, row);
    } else {
        add_kind(rows, names, row, LUA_UPDATE_LIFE);
    }
    add_change(rows, names, row);
    add_life(rows, names, row);
    bool dead = row->life == LIFE_END && row->dead.len > 0;
    add_str(rows, dead ? "d" : row->life == LIFE_END ? "e" : row->life == LIFE_REVIVE ? "r" : "k");
    add_uint(rows, row->ttl_s > 0 ? row->ttl_s : 1);
    add(rows, buf_bytes(&idem_prefix));
    if (dead) {
        add_uint(rows, row->dead_at > 0 ? (uint64_t)row->dead_at : 0);
        add(rows, row->dead);
    }
    buf_free(&idem_prefix);
}

static void add_admit(struct redis_rows *rows, const struct redis_names *names,
                      const struct store_row *row)
{
    add_kind(rows, names, row, LUA_ADMIT);
    add_change(rows, names, row);
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
        add_kind(rows, names, row, LUA_RENEW);
        add_key(rows, names, row, KEY_OWNER);
        add_key(rows, names, row, KEY_ENDED);
        add_key(rows, names, row, KEY_LIST);
        add_key(rows, names, row, KEY_DEAD);
        return;
    case ROW_RELEASE:
        add_kind(rows, names, row, LUA_RELEASE);
        add_key(rows, names, row, KEY_OWNER);
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
        add_kind(rows, names, row, LUA_UNLIST);
        add_key(rows, names, row, KEY_LIVE);
        add_key(rows, names, row, KEY_TASK);
        add(rows, row->task_id);
        return;
    }
    assert(false && "a row of no kind");
}

size_t rows_bytes(const struct redis_rows *rows)
{
    return rows->owners.len + rows->fences.len + rows->keys.len + rows->args.len;
}

uint32_t rows_put(const struct redis_rows *rows, struct buf *out)
{
    command_put_uint(out, rows->owner_count + rows->key_count);
    buf_add_bytes(out, buf_bytes(&rows->owners));
    buf_add_bytes(out, buf_bytes(&rows->keys));
    command_put_start(out, 1 + rows->plan.len);
    buf_add_char(out, (char)rows->owner_count);
    buf_add_bytes(out, buf_bytes(&rows->plan));
    command_put_end(out);
    buf_add_bytes(out, buf_bytes(&rows->fences));
    buf_add_bytes(out, buf_bytes(&rows->args));
    return 1 + rows->owner_count + rows->key_count + 1 + rows->owner_count + rows->arg_count;
}

void rows_free(struct redis_rows *rows)
{
    buf_free(&rows->plan);
    buf_free(&rows->owners);
    buf_free(&rows->fences);
    buf_free(&rows->keys);
    buf_free(&rows->args);
    *rows = (struct redis_rows){0};
}
