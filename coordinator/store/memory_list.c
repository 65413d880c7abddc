/* The newest tasks, by one walk that keeps the best of what it sees. */
#include "store/memory_store.h"

#include "model/limits.h"

/* Is a listed before b? Newest first; of the same moment the greater id. */
static bool listed_before(const struct memory_task *a, const struct memory_task *b)
{
    if (a->created_at != b->created_at) {
        return a->created_at > b->created_at;
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
    return t->created_at < read->before ||
           (t->created_at == read->before && bytes_cmp(t->id, read->before_id) < 0);
}

/* Puts t into its place among the best; the last one falls out where they are too many. */
static void place(const struct memory_task **best, uint32_t *count, uint32_t max,
                  const struct memory_task *t)
{
    uint32_t at = *count;
    if (at == max) {
        if (!listed_before(t, best[max - 1])) {
            return;
        }
        at--;
    } else {
        (*count)++;
    }
    for (; at > 0 && listed_before(t, best[at - 1]); at--) {
        best[at] = best[at - 1];
    }
    best[at] = t;
}

void memory_read_list(struct memory_store *s, const struct store_read *read,
                      struct store_answer *answer, struct arena *arena)
{
    bool whole_page = read->limit == 0 || read->limit > LIST_PAGE_MAX;
    uint32_t limit = whole_page ? LIST_PAGE_MAX : read->limit;
    const struct memory_task *best[LIST_PAGE_MAX + 1]; /* one more tells whether there are others */
    uint32_t count = 0;
    mono_ms now = memory_now(s);
    for (uint32_t i = 0; i < s->slot_count; i++) {
        if (wanted(s->slots[i], read, now)) {
            place(best, &count, limit + 1, s->slots[i]);
        }
    }
    answer->more = count > limit;
    answer->task_count = count < limit ? count : limit;
    answer->tasks = arena_alloc(arena, (answer->task_count + 1) * sizeof *answer->tasks);
    for (uint32_t i = 0; i < answer->task_count; i++) {
        answer->tasks[i] = memory_record(best[i], false);
    }
}
