#include "agent/state.h"

#include <stdlib.h>

struct arena pool_arena(struct attempt_pool *p)
{
    return p->arena_count > 0 ? p->arenas[--p->arena_count] : (struct arena){0};
}

struct attempt *pool_attempt(struct attempt_pool *p)
{
    struct attempt *t = NULL;
    if (p->attempt_count > 0) {
        t = p->attempts[--p->attempt_count];
        *t = (struct attempt){0};
    } else {
        t = mem_zalloc(sizeof *t);
    }
    t->memory = pool_arena(p);
    return t;
}

void pool_take_arena(struct attempt_pool *p, struct arena *arena)
{
    if (arena->head != NULL && arena->used_bytes <= POOL_ARENA_BYTES &&
        p->arena_count < sizeof p->arenas / sizeof *p->arenas) {
        arena_reset(arena);
        p->arenas[p->arena_count++] = *arena;
    } else {
        arena_free(arena);
    }
}

void pool_take_attempt(struct attempt_pool *p, struct attempt *t)
{
    pool_take_arena(p, &t->payload);
    pool_take_arena(p, &t->memory);
    buf_free(&t->kept);
    buf_free(&t->text);
    news_checkpoint_drop(t);
    buf_free(&t->log);
    buf_free(&t->result);
    shared_drop(t->lender);
    usage_free(&t->used);
    if (p->attempt_count < POOL_MAX) {
        p->attempts[p->attempt_count++] = t;
    } else {
        free(t);
    }
}

void pool_free(struct attempt_pool *p)
{
    while (p->attempt_count > 0) {
        free(p->attempts[--p->attempt_count]);
    }
    while (p->arena_count > 0) {
        arena_free(&p->arenas[--p->arena_count]);
    }
}
