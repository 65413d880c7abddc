#include "model/usage_groups.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t row_of(struct usage_groups *g, const struct usage_group *row)
{
    struct buf key = {0};
    buf_addf(&key, "%d\n", (int)row->day);
    buf_add_bytes(&key, row->task_type);
    buf_add_char(&key, '\n');
    buf_add_bytes(&key, row->model);
    uintptr_t place = (uintptr_t)map_get(&g->places, buf_bytes(&key));
    if (place == 0 && g->count < USAGE_GROUPS_MAX - 1) {
        MEM_GROW(g->rows, g->count, g->cap);
        g->rows[g->count++] =
            (struct usage_group){.day = row->day,
                                 .model = arena_bytes(&g->arena, row->model),
                                 .task_type = arena_bytes(&g->arena, row->task_type)};
        place = g->count;
        (void)map_put(&g->places, arena_bytes(&g->arena, buf_bytes(&key)), (void *)place);
    }
    buf_free(&key);
    return (uint32_t)place;
}

static uint32_t row_of_others(struct usage_groups *g)
{
    if (!g->cut) {
        g->cut = true;
        MEM_GROW(g->rows, g->count, g->cap);
        g->rows[g->count++] = (struct usage_group){
            .day = USAGE_DAY_NONE,
            .model = (g->by & USAGE_BY_MODEL) != 0 ? BYTES_LIT(USAGE_OTHER) : BYTES_NONE,
            .task_type = (g->by & USAGE_BY_TASK_TYPE) != 0 ? BYTES_LIT(USAGE_OTHER) : BYTES_NONE};
    }
    return g->count;
}

void usage_groups_add(struct usage_groups *g, const struct usage_group *row)
{
    struct usage_group wanted = {.day = (g->by & USAGE_BY_DAY) != 0 ? row->day : USAGE_DAY_NONE,
                                 .model = (g->by & USAGE_BY_MODEL) != 0 ? row->model : BYTES_NONE,
                                 .task_type = (g->by & USAGE_BY_TASK_TYPE) != 0 ? row->task_type
                                                                                : BYTES_NONE};
    uint32_t place = row_of(g, &wanted);
    place = place > 0 ? place : row_of_others(g);
    usage_sum_add(&g->rows[place - 1].sum, &row->sum);
}

static int row_cmp(const void *a, const void *b)
{
    const struct usage_group *x = a, *y = b;
    if (x->day != y->day) {
        return x->day < y->day ? -1 : 1;
    }
    int by_type = bytes_cmp(x->task_type, y->task_type);
    return by_type != 0 ? by_type : bytes_cmp(x->model, y->model);
}

void usage_groups_sort(struct usage_groups *g)
{
    uint32_t count = g->cut ? g->count - 1 : g->count;
    if (count > 0) {
        qsort(g->rows, count, sizeof *g->rows, row_cmp);
    }
}

void usage_groups_free(struct usage_groups *g)
{
    map_free(&g->places);
    arena_free(&g->arena);
    free(g->rows);
    *g = (struct usage_groups){0};
}

const char *day_format(int32_t day, char text[DAY_TEXT_BYTES])
{
    char whole[TIME_TEXT_BYTES];
    (void)snprintf(text, DAY_TEXT_BYTES, "%.10s", time_format((unix_ms)day * 86400000, whole));
    return text;
}

enum err day_parse(struct bytes text, int32_t *ret_day)
{
    char whole[32];
    unix_ms at;
    if (text.len != DAY_TEXT_BYTES - 1) {
        return ERR_INVALID;
    }
    (void)snprintf(whole, sizeof whole, "%.*sT00:00:00Z", (int)text.len, (const char *)text.ptr);
    if (time_parse(bytes_str(whole), &at) != ERR_OK || at < 0) {
        return ERR_INVALID;
    }
    *ret_day = (int32_t)(at / 86400000);
    return ERR_OK;
}
