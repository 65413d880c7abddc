/* Usage by partition, day, model and task type, with the same rules as marathon.lua. */
#include "store/memory_store.h"

#include <stdlib.h>

#include "model/limits.h"

struct memory_usage {
    partition_id partition;
    int32_t day;
    char *model, *task_type; /* owned */
    struct usage_sum sum;
};

static struct memory_usage *find(struct memory_store *s, const struct store_row *row,
                                 struct bytes model, struct bytes type)
{
    for (uint32_t i = 0; i < s->usage_count; i++) {
        struct memory_usage *u = &s->usage[i];
        if (u->partition == row->partition && u->day == row->usage_day &&
            bytes_is(model, u->model) && bytes_is(type, u->task_type)) {
            return u;
        }
    }
    return NULL;
}

static uint32_t pairs_of(const struct memory_store *s, const struct store_row *row)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->usage_count; i++) {
        count += s->usage[i].partition == row->partition && s->usage[i].day == row->usage_day;
    }
    return count;
}

static void drop_old(struct memory_store *s, int32_t today)
{
    for (uint32_t i = s->usage_count; i-- > 0;) {
        if (s->usage[i].day + (int32_t)USAGE_DAYS_MAX < today) {
            free(s->usage[i].model);
            free(s->usage[i].task_type);
            s->usage[i] = s->usage[--s->usage_count];
        }
    }
}

static void add(struct memory_store *s, const struct store_row *row, const struct usage_part *part)
{
    struct bytes model = part->model;
    struct bytes type = row->usage_type;
    struct memory_usage *u = find(s, row, model, type);
    if (u == NULL && pairs_of(s, row) >= USAGE_PAIRS_MAX - 1) {
        model = type = BYTES_LIT(USAGE_OTHER);
        u = find(s, row, model, type);
    }
    if (u == NULL) {
        drop_old(s, row->usage_day);
        MEM_GROW(s->usage, s->usage_count, s->usage_cap);
        u = &s->usage[s->usage_count++];
        *u = (struct memory_usage){.partition = row->partition,
                                   .day = row->usage_day,
                                   .model = mem_str_bytes(model),
                                   .task_type = mem_str_bytes(type)};
    }
    usage_sum_add(&u->sum, &part->sum);
}

void memory_usage_add(struct memory_store *s, const struct store_row *row)
{
    for (uint32_t i = 0; i < row->usage_count; i++) {
        add(s, row, &row->usage[i]);
    }
}

void memory_usage_copy(struct store_row *row, struct arena *arena)
{
    struct usage_part *parts = arena_alloc(arena, (row->usage_count + 1) * sizeof *parts);
    for (uint32_t i = 0; i < row->usage_count; i++) {
        parts[i] = (struct usage_part){arena_bytes(arena, row->usage[i].model), row->usage[i].sum};
    }
    row->usage = parts;
    row->usage_type = arena_bytes(arena, row->usage_type);
}

void memory_usage_read(const struct memory_store *s, const struct store_read *read,
                       struct store_answer *answer, struct arena *arena)
{
    answer->usage = arena_alloc(arena, (s->usage_count + 1) * sizeof *answer->usage);
    for (uint32_t i = 0; i < s->usage_count; i++) {
        const struct memory_usage *u = &s->usage[i];
        if ((read->partitions >> u->partition & 1) != 0 && u->day >= read->first_day &&
            u->day <= read->last_day) {
            answer->usage[answer->usage_count++] =
                (struct usage_group){u->day, bytes_str(u->model), bytes_str(u->task_type), u->sum};
        }
    }
}

void memory_usage_free(struct memory_store *s)
{
    for (uint32_t i = 0; i < s->usage_count; i++) {
        free(s->usage[i].model);
        free(s->usage[i].task_type);
    }
    free(s->usage);
}
