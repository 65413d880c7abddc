/* The items of fan-out steps. */
#include <stdlib.h>
#include <string.h>

#include "model/limits.h"
#include "store_model.h"

static struct stored_fan *fan_of(const struct stored_task *t, uint32_t step)
{
    for (size_t i = 0; i < t->fan_count; i++) {
        if (t->fans[i].step == step) {
            return &t->fans[i];
        }
    }
    return NULL;
}

static void fan_drop(struct stored_task *t, uint32_t step)
{
    struct stored_fan *f = fan_of(t, step);
    if (f == NULL) {
        return;
    }
    for (uint32_t i = 0; i < f->count; i++) {
        buf_free(&f->cells[i].value);
        buf_free(&f->cells[i].blob);
        buf_free(&f->cells[i].result);
    }
    free(f->cells);
    *f = t->fans[--t->fan_count];
}

void fans_clear(struct stored_task *t)
{
    while (t->fan_count > 0) {
        fan_drop(t, t->fans[0].step);
    }
    free(t->fans);
    t->fans = NULL;
    t->fan_cap = 0;
}

static char mark_of(const struct stored_cell *c)
{
    return c->blob.len > 0 ? (char)c->blob.ptr[0] : (char)ITEM_WAITING;
}

static void fan_make(struct stored_task *t, const struct items_change *change)
{
    fan_drop(t, change->step);
    MEM_GROW(t->fans, t->fan_count, t->fan_cap);
    struct stored_fan *f = &t->fans[t->fan_count++];
    *f = (struct stored_fan){.step = change->step, .count = change->count};
    f->cells = mem_zalloc((f->count + 1) * sizeof *f->cells);
    for (uint32_t i = 0; i < f->count; i++) {
        buf_add_bytes(&f->cells[i].value, change->values[i]);
    }
}

static void fan_change(struct stored_task *t, const struct items_change *change)
{
    if (change->kind == ITEMS_MAKE) {
        fan_make(t, change);
        return;
    }
    struct stored_fan *f = fan_of(t, change->step);
    if (change->kind == ITEMS_DROP) {
        fan_drop(t, change->step);
    } else if (change->kind == ITEMS_PUT) {
        struct stored_cell *c = &f->cells[change->item - 1];
        buf_clear(&c->blob);
        buf_add_bytes(&c->blob, change->blob.whole);
        if (change->result.len > 0) {
            buf_clear(&c->result);
            buf_add_bytes(&c->result, change->result);
        }
    } else {
        for (uint32_t i = 0; f != NULL && i < f->count; i++) {
            if (mark_of(&f->cells[i]) != (char)ITEM_DONE) {
                buf_clear(&f->cells[i].blob);
            }
        }
    }
}

void fans_change(struct stored_task *t, const struct store_row *row)
{
    for (uint32_t i = 0; i < row->items_count; i++) {
        fan_change(t, &row->items[i]);
    }
}

void fans_array(const struct stored_task *t, const struct store_row *row, struct buf *out)
{
    uint32_t step = row->doc_items - 1;
    const struct stored_fan *f = fan_of(t, step);
    buf_add_char(out, '[');
    for (uint32_t i = 0; f != NULL && i < f->count; i++) {
        struct bytes result = buf_bytes(&f->cells[i].result);
        for (uint32_t k = 0; k < row->items_count; k++) {
            const struct items_change *change = &row->items[k];
            if (change->kind == ITEMS_PUT && change->step == step && change->item == i + 1 &&
                change->result.len > 0) {
                result = change->result;
            }
        }
        buf_add_str(out, i > 0 ? "," : "");
        buf_add_bytes(out, result.len > 0 ? result : BYTES_LIT("null"));
    }
    buf_add_char(out, ']');
}

void fans_record(const struct stored_task *t, struct task_record *record, struct arena *arena)
{
    record->items_count = (uint32_t)t->fan_count;
    record->items = arena_alloc(arena, (t->fan_count + 1) * sizeof *record->items);
    for (size_t n = 0; n < t->fan_count; n++) {
        const struct stored_fan *f = &t->fans[n];
        struct stored_items *s = &record->items[n];
        char *marks = arena_alloc(arena, f->count + 1);
        *s = (struct stored_items){.step = f->step, .marks = bytes_of(marks, f->count)};
        s->begun = arena_alloc(arena, (f->count + 1) * sizeof *s->begun);
        for (uint32_t i = 0; i < f->count; i++) {
            marks[i] = mark_of(&f->cells[i]);
            if (marks[i] == (char)ITEM_BEGUN) {
                s->begun[s->begun_count++] = (struct stored_item){
                    .item = i + 1, .blob = arena_bytes(arena, buf_bytes(&f->cells[i].blob))};
            }
        }
    }
}

void fans_read(const struct stored_task *t, const struct store_read *read, struct store_answer *a,
               struct arena *arena)
{
    const struct stored_fan *f = fan_of(t, read->step);
    a->items = arena_alloc(arena, (read->limit + 1) * sizeof *a->items);
    for (uint32_t item = read->item > 0 ? read->item : 1; f != NULL && item <= f->count; item++) {
        const struct stored_cell *c = &f->cells[item - 1];
        if (read->marks[0] != '\0' && strchr(read->marks, mark_of(c)) == NULL) {
            continue;
        }
        if (a->items_count == read->limit) {
            a->next_item = item;
            return;
        }
        a->items[a->items_count++] =
            (struct stored_item){.item = item,
                                 .blob = arena_bytes(arena, buf_bytes(&c->blob)),
                                 .result = arena_bytes(arena, buf_bytes(&c->result))};
    }
}

struct bytes fans_value(const struct stored_task *t, uint32_t step, uint32_t item)
{
    const struct stored_fan *f = fan_of(t, step);
    return f != NULL && item <= f->count ? buf_bytes(&f->cells[item - 1].value) : BYTES_NONE;
}

struct items_change *items_copy(const struct store_row *row, struct arena *arena)
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
    return items;
}
