/* Lists of the newest tasks or dead letters: one scan over all tasks that keeps the best ones. */
#include "store/memory_store.h"

#include "model/limits.h"

/* A task's sort key in the list. */
static unix_ms place_of(const struct memory_task *t, enum read_kind list)
{
    return list == READ_DEAD ? t->dead_at : t->created_at;
}

/* Is a listed before b? Newest first; if equal, the greater id first. */
static bool listed_before(const struct memory_task *a, const struct memory_task *b,
                          enum read_kind list)
{
    if (place_of(a, list) != place_of(b, list)) {
        return place_of(a, list) > place_of(b, list);
    }
    return bytes_cmp(a->id, b->id) > 0;
}

static bool wanted(const struct memory_task *t, const struct store_read *read, mono_ms now)
{
    if (t == NULL || t->expires_at <= now) {
        return false;
    }
    if ((read->partitions >> id_partition(t->id) & 1) == 0) {
        return false;
    }
    unix_ms at = place_of(t, read->kind);
    return (read->kind != READ_DEAD || t->dead.len > 0) &&
           (at < read->before || (at == read->before && bytes_cmp(t->id, read->before_id) < 0));
}

struct best {
    enum read_kind list;
    /* one more than a page, to know whether there are others */
    const struct memory_task *tasks[LIST_PAGE_MAX + 1];
    uint32_t count, max;
};

/* Inserts t in order; the last one is dropped if there are too many. */
static void place(struct best *b, const struct memory_task *t)
{
    uint32_t at = b->count;
    if (at == b->max) {
        if (!listed_before(t, b->tasks[b->max - 1], b->list)) {
            return;
        }
        at--;
    } else {
        b->count++;
    }
    for (; at > 0 && listed_before(t, b->tasks[at - 1], b->list); at--) {
        b->tasks[at] = b->tasks[at - 1];
    }
    b->tasks[at] = t;
}

void memory_read_list(struct memory_store *s, const struct store_read *read,
                      struct store_answer *answer, struct arena *arena)
{
    bool whole_page = read->limit == 0 || read->limit > LIST_PAGE_MAX;
    uint32_t limit = whole_page ? LIST_PAGE_MAX : read->limit;
    struct best best = {.list = read->kind, .max = limit + 1};
    mono_ms now = memory_now(s);
    for (uint32_t i = 0; i < s->slot_count; i++) {
        if (wanted(s->slots[i], read, now)) {
            place(&best, s->slots[i]);
        }
    }
    answer->more = best.count > limit;
    answer->task_count = best.count < limit ? best.count : limit;
    answer->tasks = arena_alloc(arena, (answer->task_count + 1) * sizeof *answer->tasks);
    for (uint32_t i = 0; i < answer->task_count; i++) {
        const struct memory_task *t = best.tasks[i];
        answer->tasks[i] = read->kind == READ_DEAD ? (struct task_record){.task_id = t->id}
                                                   : memory_record(t, false);
        answer->tasks[i].dead = read->kind == READ_DEAD ? buf_bytes(&t->dead) : BYTES_NONE;
    }
}
