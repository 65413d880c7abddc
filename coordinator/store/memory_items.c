/* Items of fan-out steps, in memory: does what marathon.lua does with a hash. */
#include <stdlib.h>

#include "model/limits.h"
#include "store/memory_store.h"

static struct memory_items *items_of(const struct memory_task *t, uint32_t step)
{
    struct memory_items *m = t->items;
    while (m != NULL && m->step != step) {
        m = m->next;
    }
    return m;
}

static struct memory_item *item_of(const struct memory_task *t, uint32_t step, uint32_t item)
{
    const struct memory_items *m = items_of(t, step);
    return m != NULL && item >= 1 && item <= m->count ? &m->items[item - 1] : NULL;
}

static enum item_mark mark_of(const struct memory_item *i)
{
    return i->blob.len > 0 ? (enum item_mark)i->blob.ptr[0] : ITEM_WAITING;
}

static void clear_blob(struct memory_item *i)
{
    bytes_free(i->blob);
    i->blob = BYTES_NONE;
}

static void drop(struct memory_task *t, uint32_t step)
{
    struct memory_items **at = &t->items;
    while (*at != NULL && (*at)->step != step) {
        at = &(*at)->next;
    }
    struct memory_items *m = *at;
    if (m == NULL) {
        return;
    }
    *at = m->next;
    for (uint32_t i = 0; i < m->count; i++) {
        bytes_free(m->items[i].value);
        bytes_free(m->items[i].blob);
        bytes_free(m->items[i].result);
    }
    free(m->items);
    free(m);
}

void memory_items_free(struct memory_task *t)
{
    while (t->items != NULL) {
        drop(t, t->items->step);
    }
}

static void make(struct memory_task *t, const struct items_change *change)
{
    drop(t, change->step);
    struct memory_items *m = mem_zalloc(sizeof *m);
    m->step = change->step;
    m->count = change->count;
    m->items = mem_zalloc((m->count + 1) * sizeof *m->items);
    for (uint32_t i = 0; i < m->count; i++) {
        m->items[i].value = bytes_own(change->values[i]);
    }
    m->next = t->items;
    t->items = m;
}

static void put(struct memory_item *i, const struct items_change *change)
{
    clear_blob(i);
    i->blob = bytes_own(change->blob.whole);
    if (change->result.len > 0) {
        bytes_free(i->result);
        i->result = bytes_own(change->result);
    }
}

static void again(struct memory_items *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        if (mark_of(&m->items[i]) != ITEM_DONE) {
            clear_blob(&m->items[i]);
        }
    }
}

void memory_items_change(struct memory_task *t, const struct items_change *change)
{
    struct memory_item *i = item_of(t, change->step, change->item);
    switch (change->kind) {
    case ITEMS_MAKE:
        make(t, change);
        break;
    case ITEMS_PUT:
        if (i != NULL) {
            put(i, change);
        }
        break;
    case ITEMS_AGAIN:
        if (items_of(t, change->step) != NULL) {
            again(items_of(t, change->step));
        }
        break;
    case ITEMS_DROP:
        drop(t, change->step);
        break;
    }
}

void memory_items_copy(struct store_row *row, struct arena *arena)
{
    struct items_change *items = arena_alloc(arena, (row->items_count + 1) * sizeof *items);
    for (uint32_t i = 0; i < row->items_count; i++) {
        const struct items_change *from = &row->items[i];
        items[i] = *from;
        items[i].blob = parts_copy(&from->blob, arena);
        items[i].result = arena_bytes(arena, from->result);
        items[i].values = arena_alloc(arena, (from->count + 1) * sizeof *from->values);
        for (uint32_t k = 0; k < from->count; k++) {
            items[i].values[k] = arena_bytes(arena, from->values[k]);
        }
    }
    row->items = items;
}

/* The item's result as of this row: the row's own, else the stored one. */
static struct bytes result_of(const struct memory_item *i, const struct store_row *row,
                              uint32_t item)
{
    for (uint32_t k = row->items_count; k-- > 0;) {
        const struct items_change *change = &row->items[k];
        if (change->kind == ITEMS_PUT && change->step == row->doc_items - 1 &&
            change->item == item && change->result.len > 0) {
            return change->result;
        }
    }
    return i->result;
}

void memory_items_array(const struct memory_task *t, const struct store_row *row, struct buf *out)
{
    const struct memory_items *m = items_of(t, row->doc_items - 1);
    buf_add_char(out, '[');
    for (uint32_t i = 0; m != NULL && i < m->count; i++) {
        struct bytes result = result_of(&m->items[i], row, i + 1);
        buf_add_str(out, i > 0 ? "," : "");
        buf_add_bytes(out, result.len > 0 ? result : BYTES_LIT("null"));
    }
    buf_add_char(out, ']');
}

void memory_items_read(const struct memory_task *t, const struct store_read *read,
                       struct store_answer *answer, struct arena *arena)
{
    const struct memory_items *m = items_of(t, read->step);
    size_t bytes = 0;
    answer->items = arena_alloc(arena, (read->limit + 1) * sizeof *answer->items);
    for (uint32_t item = read->item > 0 ? read->item : 1; m != NULL && item <= m->count; item++) {
        const struct memory_item *i = &m->items[item - 1];
        if (read->marks[0] != '\0' && strchr(read->marks, (int)mark_of(i)) == NULL) {
            continue;
        }
        bytes += i->blob.len + i->result.len;
        if (answer->items_count == read->limit ||
            (answer->items_count > 0 && bytes > ITEMS_PAGE_BYTES_MAX)) {
            answer->next_item = item;
            return;
        }
        answer->items[answer->items_count++] =
            (struct stored_item){.item = item, .blob = i->blob, .result = i->result};
    }
}

void memory_items_record(const struct memory_task *t, struct task_record *record,
                         struct arena *arena)
{
    for (const struct memory_items *m = t->items; m != NULL; m = m->next) {
        record->items_count++;
    }
    record->items = arena_alloc(arena, (record->items_count + 1) * sizeof *record->items);
    uint32_t n = 0;
    for (const struct memory_items *m = t->items; m != NULL; m = m->next) {
        struct stored_items *s = &record->items[n++];
        uint8_t *marks = arena_alloc(arena, m->count + 1);
        *s = (struct stored_items){.step = m->step, .marks = bytes_of(marks, m->count)};
        s->begun = arena_alloc(arena, (m->count + 1) * sizeof *s->begun);
        for (uint32_t i = 0; i < m->count; i++) {
            marks[i] = (uint8_t)mark_of(&m->items[i]);
            if (marks[i] == ITEM_BEGUN) {
                s->begun[s->begun_count++] =
                    (struct stored_item){.item = i + 1, .blob = m->items[i].blob};
            }
        }
    }
}

struct bytes memory_item_value(const struct memory_task *t, uint32_t step, uint32_t item)
{
    const struct memory_item *i = item_of(t, step, item);
    return i != NULL ? i->value : BYTES_NONE;
}
