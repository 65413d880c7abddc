/* Reads over many partitions: each node is asked for its own partitions, and the answers are
 * merged. Owner records of a node that is away are returned as unseen. All other reads need the
 * answer of each node, since a partial one would be taken for the whole. */
#include <stdlib.h>

#include "model/limits.h"
#include "store/redis_cluster.h"

struct gather {
    struct gather *next;
    struct cluster_store *cluster;
    struct store_read ask; /* before_id is in the arena */
    struct arena arena;
    struct redis_read **parts;
    uint32_t part_count, part_cap;
    uint32_t awaited;
    uint64_t again; /* partitions to be asked for again */
    bool lost;      /* the answer of a part is missing */
    mono_ms since;
};

static uint64_t bit(partition_id id)
{
    return (uint64_t)1 << id;
}

/* ---- asking ---- */

static void ask_node(struct gather *g, struct cluster_node *n, uint64_t mask)
{
    struct store_read read = g->ask;
    read.partitions = mask;
    g->awaited++;
    redis_read_part(n->store, &read, g);
}

static void ask(struct gather *g, uint64_t mask)
{
    struct cluster_store *s = g->cluster;
    for (struct cluster_node *n = s->nodes; n != NULL; n = n->next) {
        uint64_t of_node = 0;
        for (partition_id i = 0; i < PARTITION_COUNT; i++) {
            of_node |= s->places[i].node == n ? bit(i) & mask : 0;
        }
        mask &= ~of_node;
        if (of_node != 0 && n->up) {
            ask_node(g, n, of_node);
        } else if (of_node != 0 && !n->tried) {
            g->again |= of_node;
        } else if (of_node != 0) {
            g->lost = true;
        }
    }
    g->again |= mask; /* no node is known to have them */
}

void cluster_gather(struct cluster_store *s, const struct store_read *read)
{
    struct gather *g = mem_zalloc(sizeof *g);
    g->cluster = s;
    g->ask = *read;
    g->ask.before_id = arena_bytes(&g->arena, read->before_id);
    g->since = loop_now(s->loop).mono;
    g->next = s->gathers;
    s->gathers = g;
    ask(g, read->kind == READ_OWNERS ? UINT64_MAX : read->partitions);
    if (g->awaited == 0) {
        cluster_wake(s);
    }
}

/* ---- merging ---- */

static void join_owners(struct gather *g, struct store_answer *a)
{
    a->owners = arena_alloc(&g->arena, PARTITION_COUNT * sizeof *a->owners);
    a->err = ERR_UNAVAILABLE;
    for (int i = 0; i < PARTITION_COUNT; i++) {
        a->owners[i] = (struct owner_record){.unseen = true};
    }
    for (uint32_t k = 0; k < g->part_count; k++) {
        const struct redis_read *r = g->parts[k];
        for (uint64_t mask = r->ask.partitions; mask != 0 && r->answer.err == ERR_OK;
             mask &= mask - 1) {
            int i = __builtin_ctzll(mask);
            a->owners[i] = r->answer.owners[i];
            a->err = a->owners[i].unseen ? a->err : ERR_OK;
        }
    }
}

struct listed {
    struct task_record task;
    uint64_t created;
};

static int newest_first(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    if (x->created != y->created) {
        return x->created > y->created ? -1 : 1;
    }
    return bytes_cmp(y->task.task_id, x->task.task_id);
}

/* A part's answer has the tasks of those of its entries that still exist, in the same order. */
static uint32_t take_listed(const struct redis_read *r, struct listed *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->entry_count && count < r->answer.task_count; i++) {
        const struct task_record *t = &r->answer.tasks[count];
        if (bytes_eq(r->entries[i].id, t->task_id)) {
            out[count++] = (struct listed){*t, r->entries[i].created};
        }
    }
    return count;
}

static void join_lists(struct gather *g, struct store_answer *a)
{
    uint32_t most = 0;
    uint32_t count = 0;
    uint32_t page =
        g->ask.limit == 0 || g->ask.limit > LIST_PAGE_MAX ? LIST_PAGE_MAX : g->ask.limit;
    for (uint32_t k = 0; k < g->part_count; k++) {
        most += g->parts[k]->answer.task_count;
    }
    struct listed *all = arena_alloc(&g->arena, (most + 1) * sizeof *all);
    for (uint32_t k = 0; k < g->part_count; k++) {
        count += take_listed(g->parts[k], all + count);
        a->more = a->more || g->parts[k]->answer.more;
    }
    qsort(all, count, sizeof *all, newest_first);
    a->more = a->more || count > page;
    a->task_count = count < page ? count : page;
    a->tasks = arena_alloc(&g->arena, (a->task_count + 1) * sizeof *a->tasks);
    for (uint32_t i = 0; i < a->task_count; i++) {
        a->tasks[i] = all[i].task;
    }
}

static void join_usage(struct gather *g, struct store_answer *a)
{
    uint32_t count = 0;
    for (uint32_t k = 0; k < g->part_count; k++) {
        count += g->parts[k]->answer.usage_count;
    }
    a->usage = arena_alloc(&g->arena, (count + 1) * sizeof *a->usage);
    for (uint32_t k = 0; k < g->part_count; k++) {
        const struct store_answer *part = &g->parts[k]->answer;
        for (uint32_t i = 0; i < part->usage_count; i++) {
            a->usage[a->usage_count++] = part->usage[i];
        }
    }
}

static void gather_free(struct gather *g)
{
    struct gather **at = &g->cluster->gathers;
    while (*at != g) {
        at = &(*at)->next;
    }
    *at = g->next;
    for (uint32_t k = 0; k < g->part_count; k++) {
        read_free(g->parts[k]);
    }
    free(g->parts);
    arena_free(&g->arena);
    free(g);
}

static void finish(struct gather *g)
{
    struct cluster_store *s = g->cluster;
    struct store_answer a = {.kind = g->ask.kind, .read_id = g->ask.read_id};
    if (g->ask.kind == READ_OWNERS) {
        join_owners(g, &a);
    } else if (g->lost) {
        a.err = ERR_UNAVAILABLE;
    } else if (g->ask.kind == READ_USAGE) {
        join_usage(g, &a);
    } else {
        join_lists(g, &a);
    }
    s->handler.read(s->handler.user, &a);
    gather_free(g);
}

/* ---- parts ---- */

/* READ_OWNERS does not wait for partitions to be asked for again: the core repeats that read soon
 * anyway. */
static bool is_over(const struct gather *g)
{
    return g->awaited == 0 && (g->again == 0 || g->lost || g->ask.kind == READ_OWNERS);
}

void cluster_part_done(struct cluster_store *s, struct redis_read *r)
{
    struct gather *g = r->part;
    (void)s;
    MEM_GROW(g->parts, g->part_count, g->part_cap);
    g->parts[g->part_count++] = r;
    g->awaited--;
    g->lost = g->lost || r->answer.err != ERR_OK;
    if (is_over(g)) {
        finish(g);
    }
}

void cluster_part_refused(struct cluster_store *s, struct redis_read *r)
{
    struct gather *g = r->part;
    g->again |= r->ask.partitions;
    g->awaited--;
    read_free(r);
    cluster_look_soon(s);
}

void cluster_gathers_retry(struct cluster_store *s)
{
    mono_ms now = loop_now(s->loop).mono;
    for (struct gather *g = s->gathers, *next; g != NULL; g = next) {
        next = g->next;
        if (g->awaited > 0) {
            continue;
        }
        if (!is_over(g) && now - g->since < s->deadline_ms) {
            uint64_t again = g->again;
            g->again = 0;
            ask(g, again);
            continue;
        }
        g->lost = g->lost || g->again != 0;
        finish(g);
    }
}

void cluster_gathers_free(struct cluster_store *s)
{
    while (s->gathers != NULL) {
        gather_free(s->gathers);
    }
}
