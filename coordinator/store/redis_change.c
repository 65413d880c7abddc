#include "store/redis_change.h"

#include <assert.h>

#include "base/pack.h"
#include "crypto/hash.h"
#include "model/limits.h"
#include "store/redis_command.h"

#define TRIM_EVERY       1000u /* events: trimming is rare, and removes many old ones at once */
#define STATE_TEXT_BYTES (3 * 21u)
#define FIELDS_MAX       0xffffffu

static size_t doc_len(const struct store_row *row)
{
    return row->doc[0].len + row->doc[1].len + row->doc[2].len;
}

static bool doc_whole(const struct store_row *row)
{
    return row->doc_whole || (row->doc_offset == 0 && row->kind == ROW_ADMIT);
}

/* The document mode in a change's shape: '-' none, 'w' whole, 'p' patch, 'e' patch up to the end,
 * which does not end with a space. */
static char doc_mode(const struct store_row *row)
{
    if (doc_len(row) == 0 || doc_whole(row)) {
        return doc_len(row) == 0 ? '-' : 'w';
    }
    int part = 2;
    while (row->doc[part].len == 0) {
        part--;
    }
    struct bytes last = row->doc[part];
    bool to_the_end =
        row->doc_offset + doc_len(row) + row->doc_items_bytes >= row->stored_doc_bytes;
    return to_the_end && last.ptr[last.len - 1] != ' ' ? 'e' : 'p';
}

static void add_doc_text(struct redis_rows *rows, const struct store_row *row, struct shared *text)
{
    rows_arg_begin(rows, doc_len(row));
    rows_put(rows, shared_bytes(text), text);
    rows_put(rows, row->doc[2], NULL);
    rows_arg_end(rows);
}

static void add_input(struct redis_rows *rows, struct shared *input)
{
    rows_arg_begin(rows, shared_bytes(input).len);
    rows_put(rows, shared_bytes(input), input);
    rows_arg_end(rows);
}

/* Is the row consistent with what it says is stored: events in order, the patch within the
 * document? A row that only looks up its key never is. */
static bool fits(const struct store_row *row)
{
    uint64_t last = row->stored_seq;
    if (row->only_replay) {
        return false;
    }
    for (uint32_t i = 0; i < row->event_count; i++) {
        if (row->events[i].seq <= last) {
            return false;
        }
        last = row->events[i].seq;
    }
    return doc_len(row) == 0 || doc_whole(row) || row->doc_offset <= row->stored_doc_bytes;
}

/* The head of field v as text: version, newest seq, length of the document; the task's blob
 * follows. */
static void put_state(struct buf *out, uint64_t version, uint64_t seq, uint64_t doc_bytes)
{
    buf_add_uint(out, version);
    buf_add_char(out, ':');
    buf_add_uint(out, seq);
    buf_add_char(out, ':');
    buf_add_uint(out, doc_bytes);
    buf_add_char(out, ':');
}

/* The state that must be stored, and the one to be stored; the latter is empty if the row does not
 * fit. */
static void add_states(struct redis_rows *rows, const struct store_row *row)
{
    uint8_t space[STATE_TEXT_BYTES];
    struct buf state = {.ptr = space, .cap = sizeof space}; /* never grows */
    if (row->kind == ROW_UPDATE) {
        put_state(&state, row->version, row->stored_seq, row->stored_doc_bytes);
    }
    rows_arg(rows, buf_bytes(&state));
    if (!fits(row)) {
        rows_arg_str(rows, "");
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
    rows_arg_begin(rows, state.len + row->head.len);
    rows_put(rows, buf_bytes(&state), NULL);
    rows_put(rows, row->head, NULL);
    rows_arg_end(rows);
}

static void add_numbered(struct redis_rows *rows, char letter, uint64_t number)
{
    uint8_t space[24];
    struct buf name = {.ptr = space, .cap = sizeof space}; /* never grows */
    buf_add_char(&name, letter);
    buf_add_uint(&name, number);
    rows_arg(rows, buf_bytes(&name));
}

static void add_steps(struct redis_rows *rows, const struct store_row *row)
{
    for (uint32_t i = 0; i < row->step_count; i++) {
        add_numbered(rows, 's', row->steps[i].index);
        rows_arg_blob(rows, row, &row->steps[i].blob);
    }
}

/* One field that contains all of them. */
static void add_events(struct redis_rows *rows, const struct store_row *row)
{
    if (row->event_count == 0) {
        return;
    }
    size_t len = 0;
    for (uint32_t i = 0; i < row->event_count; i++) {
        size_t blob_len = parts_len(&row->events[i].blob);
        len += pack_uint_bytes(row->events[i].seq) + pack_uint_bytes(blob_len) + blob_len;
    }
    add_numbered(rows, 'h', row->events[0].seq);
    rows_arg_begin(rows, len);
    for (uint32_t i = 0; i < row->event_count; i++) {
        const struct row_event *e = &row->events[i];
        pack_uint(&rows->args.own, e->seq);
        pack_uint(&rows->args.own, parts_len(&e->blob));
        rows_put_blob(rows, row, &e->blob);
    }
    rows_arg_end(rows);
}

/* Can the function for plain steps take it: one step, events, a patch, nothing else? */
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
                     const struct store_row *row, const struct row_texts *texts)
{
    rows_kind(rows, row, LUA_STEP);
    rows_key(rows, names, row, KEY_TASK);
    rows_key(rows, names, row, KEY_DOC);
    add_states(rows, row);
    rows_arg_uint(rows, row->doc_offset);
    add_doc_text(rows, row, texts->doc);
    add_steps(rows, row);
    add_events(rows, row);
}

static void add_items_change(struct redis_rows *rows, const struct store_row *row,
                             const struct items_change *change)
{
    static const char *const kinds[] = {
        [ITEMS_MAKE] = "m", [ITEMS_PUT] = "p", [ITEMS_AGAIN] = "a", [ITEMS_DROP] = "d"};
    bool put = change->kind == ITEMS_PUT;
    bool make = change->kind == ITEMS_MAKE;
    rows_arg_str(rows, kinds[change->kind]);
    rows_arg_uint(rows, change->step);
    rows_arg_uint(rows, put ? 3 : make ? change->count : 0);
    for (uint32_t i = 0; make && i < change->count; i++) {
        rows_arg_payload(rows, row, change->values[i]);
    }
    if (put) {
        rows_arg_uint(rows, change->item);
        rows_arg_blob(rows, row, &change->blob);
        rows_arg_payload(rows, row, change->result);
    }
}

/* For take_items in the library. */
static void add_items(struct redis_rows *rows, const struct store_row *row)
{
    rows_arg_uint(rows, row->items_count);
    for (uint32_t i = 0; i < row->items_count; i++) {
        add_items_change(rows, row, &row->items[i]);
    }
    if (row->doc_items == 0) {
        rows_arg_str(rows, "");
        return;
    }
    rows_arg_uint(rows, row->doc_items - 1);
    rows_arg_uint(rows, row->doc[0].len);
    rows_arg_uint(rows, row->doc_items_bytes);
}

static bool has_items(const struct store_row *row)
{
    return row->items_count > 0 || row->doc_items > 0;
}

static bool dies(const struct store_row *row)
{
    return row->life == LIFE_END && row->dead.len > 0;
}

static bool is_once(const struct store_row *row)
{
    return row->kind == ROW_ADMIT && row->idempotency_key.len > 0;
}

/* Its key's expiry is set by the end of the task, so that the record must know the key. */
static bool is_recorded(const struct store_row *row)
{
    return is_once(row) && !row->idempotency_brief;
}

static char life_mode(const struct store_row *row)
{
    if (row->kind == ROW_ADMIT) {
        return is_recorded(row) ? 'i' : is_once(row) ? 'b' : '-';
    }
    return dies(row) ? 'd' : row->life == LIFE_END ? 'e' : row->life == LIFE_REVIVE ? 'r' : '-';
}

static uint64_t key_ttl_s(const struct store_row *row)
{
    return row->idempotency_ttl_s > 0 ? row->idempotency_ttl_s : 1;
}

/* The key (unless a field of the record has it already) and its value. */
static void add_once(struct redis_rows *rows, const struct store_row *row)
{
    if (!is_recorded(row)) {
        rows_arg_hex(rows, row->idempotency_key);
        rows_arg_uint(rows, key_ttl_s(row) * 1000);
    }
    char hex[HASH_HEX_MAX + 1];
    uint8_t space[HASH_HEX_MAX + 1 + ID_BYTES_MAX];
    struct buf text = {.ptr = space, .cap = sizeof space}; /* never grows */
    assert(row->body_hash.len * 2 <= HASH_HEX_MAX);
    buf_add_str(&text, hex_encode(row->body_hash.ptr, row->body_hash.len, hex));
    buf_add_char(&text, ' ');
    buf_add_bytes(&text, row->task_id);
    rows_arg(rows, buf_bytes(&text));
}

/* For take_change in the library, after the row's kind: the shape goes into the plan, then come the
 * arguments that there are. */
static void add_change(struct redis_rows *rows, const struct redis_names *names,
                       const struct store_row *row, const struct row_texts *texts)
{
    uint64_t trim_to = 0;
    bool trim = trims(row, &trim_to);
    /* an additional field of the record */
    bool input = row->kind == ROW_UPDATE && row->input.len > 0;
    uint32_t fields = row->step_count + (input ? 1 : 0) + (row->event_count > 0 ? 1 : 0) +
                      (is_recorded(row) ? 2 : 0);
    assert(fields <= FIELDS_MAX && row->task_id.len <= ID_BYTES_MAX);
    const char shape[] = {doc_mode(row),
                          trim ? 't' : '-',
                          row->error_doc.len > 0 ? 's'
                          : row->error_clear     ? 'd'
                                                 : '-',
                          has_items(row) ? 'i' : '-',
                          life_mode(row),
                          (char)row->task_id.len,
                          (char)(fields >> 16),
                          (char)(fields >> 8),
                          (char)fields};
    buf_add(&rows->plan, shape, sizeof shape);
    rows_key(rows, names, row, KEY_TASK);
    rows_key(rows, names, row, KEY_DOC);
    add_states(rows, row);
    if (doc_len(row) > 0) {
        rows_arg_uint(rows, row->doc_offset);
        add_doc_text(rows, row, texts->doc);
    }
    if (trim) {
        rows_arg_uint(rows, trim_to);
    }
    if (row->error_doc.len > 0) {
        rows_arg(rows, row->error_doc);
    }
    if (input) {
        rows_arg_str(rows, "input");
        add_input(rows, texts->input);
    }
    add_steps(rows, row);
    add_events(rows, row);
    if (is_recorded(row)) {
        rows_arg_str(rows, "idem");
        rows_arg_hex(rows, row->idempotency_key);
        rows_arg_str(rows, "ittl");
        rows_arg_uint(rows, key_ttl_s(row));
    }
    if (has_items(row)) {
        add_items(rows, row);
    }
}

/* For take_usage in the library, which comes before the rest of the row. */
static void add_usage(struct redis_rows *rows, const struct redis_names *names,
                      const struct store_row *row)
{
    rows_kind(rows, row, LUA_UPDATE_USAGE);
    rows_key(rows, names, row, KEY_USAGE);
    rows_arg(rows, row->usage_type);
    rows_arg_uint(rows, row->usage_count);
    for (uint32_t i = 0; i < row->usage_count; i++) {
        rows_arg(rows, row->usage[i].model);
        rows_arg_uint(rows, row->usage[i].sum.input_tokens);
        rows_arg_uint(rows, row->usage[i].sum.output_tokens);
        rows_arg_uint(rows, row->usage[i].sum.cost_nano);
    }
}

/* Does it contain nothing beyond what the function for plain steps handles? */
static bool is_plain(const struct store_row *row)
{
    return row->life == LIFE_KEEP && row->error_doc.len == 0 && !row->error_clear &&
           !has_items(row) && row->usage_count == 0;
}

void change_add_update(struct redis_rows *rows, const struct redis_names *names,
                       const struct store_row *row, const struct row_texts *texts)
{
    uint64_t trim_to = 0;
    if (is_plain(row) && is_step(row) && !trims(row, &trim_to)) {
        add_step(rows, names, row, texts);
        return;
    }
    if (row->usage_count > 0) {
        add_usage(rows, names, row);
    } else {
        rows_kind(rows, row, LUA_UPDATE);
    }
    add_change(rows, names, row, texts);
    if (row->life == LIFE_END) {
        rows_arg_uint(rows, row->ttl_s > 0 ? row->ttl_s : 1);
    }
    if (dies(row)) {
        rows_arg_uint(rows, row->dead_at > 0 ? (uint64_t)row->dead_at : 0);
        rows_arg(rows, row->dead);
    }
}

void change_add_admit(struct redis_rows *rows, const struct redis_names *names,
                      const struct store_row *row, const struct row_texts *texts)
{
    rows_kind(rows, row, LUA_ADMIT);
    add_change(rows, names, row, texts);
    rows_arg(rows, row->spec);
    add_input(rows, texts->input);
    rows_arg_uint(rows, row->created_at > 0 ? (uint64_t)row->created_at : 0);
    if (is_once(row)) {
        add_once(rows, row);
    }
}
