/* Copies the whole store at one moment, for a world that will go back to it. A new field of struct
 * stored_task or its parts must be added here. */
#include <stdlib.h>

#include "store_model.h"

static struct buf copy(const struct buf *b)
{
    struct buf out = {0};
    buf_add_bytes(&out, buf_bytes(b));
    return out;
}

static void copy_fans(const struct stored_task *from, struct stored_task *to)
{
    to->fan_cap = to->fan_count;
    to->fans = mem_alloc((to->fan_count + 1) * sizeof *to->fans);
    for (size_t i = 0; i < to->fan_count; i++) {
        const struct stored_fan *f = &from->fans[i];
        to->fans[i] = *f;
        to->fans[i].cells = mem_zalloc((f->count + 1) * sizeof *f->cells);
        for (uint32_t k = 0; k < f->count; k++) {
            to->fans[i].cells[k] = (struct stored_cell){
                copy(&f->cells[k].value), copy(&f->cells[k].blob), copy(&f->cells[k].result)};
        }
    }
}

static struct stored_task *copy_task(const struct stored_task *from)
{
    struct stored_task *to = mem_alloc(sizeof *to);
    *to = *from;
    to->id = bytes_own(from->id);
    to->spec = copy(&from->spec);
    to->head = copy(&from->head);
    to->input = copy(&from->input);
    to->doc = copy(&from->doc);
    to->error = copy(&from->error);
    to->dead = copy(&from->dead);
    to->steps = mem_alloc((from->step_count + 1) * sizeof *to->steps);
    for (uint32_t i = 0; i < from->step_count; i++) {
        to->steps[i] = copy(&from->steps[i]);
    }
    to->event_cap = from->event_count;
    to->events = mem_alloc((from->event_count + 1) * sizeof *to->events);
    for (size_t i = 0; i < from->event_count; i++) {
        to->events[i] = (struct stored_event){from->events[i].seq, copy(&from->events[i].blob)};
    }
    copy_fans(from, to);
    return to;
}

static void copy_keys(const struct store_model *from, struct store_model *to)
{
    to->keys = (struct map){0};
    void *value = NULL;
    for (size_t i = 0; map_next(&from->keys, &i, &value);) {
        const struct stored_key *k = value;
        struct stored_key *own = mem_alloc(sizeof *own);
        *own = *k;
        own->task_id = copy(&k->task_id);
        map_put(&to->keys, bytes_of(own->key, sizeof own->key), own);
    }
}

void store_model_copy(const struct store_model *from, struct store_model *to)
{
    *to = *from;
    for (int i = 0; i < PARTITION_COUNT; i++) {
        to->owners[i].owner = copy(&from->owners[i].owner);
    }
    to->task_cap = from->task_count;
    to->tasks = mem_alloc((from->task_count + 1) * sizeof(struct stored_task *));
    to->by_id = (struct map){0};
    for (size_t i = 0; i < from->task_count; i++) {
        to->tasks[i] = copy_task(from->tasks[i]);
        map_put(&to->by_id, to->tasks[i]->id, to->tasks[i]);
    }
    copy_keys(from, to);
    store_model_copy_pipelines(from, to);
    to->limits = (struct limit_book){0}; /* they are older than any lease */
}
