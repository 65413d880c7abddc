#include "core/fx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/peers.h"
#include "core/state.h"

static struct effect *fx_add(struct core *c, enum effect_kind kind)
{
    struct effects *fx = c->fx;
    MEM_GROW(fx->items, fx->count, fx->cap);
    struct effect *e = &fx->items[fx->count++];
    *e = (struct effect){.kind = kind};
    return e;
}

struct arena *fx_arena(struct core *c)
{
    return &c->fx->arena;
}

void fx_send(struct core *c, peer_id peer, const struct message *m)
{
    if (peer_find(c, peer) == NULL) {
        return; /* it left in the meantime */
    }
    struct message *copy = arena_alloc(fx_arena(c), sizeof *copy);
    *copy = *m;
    struct effect *e = fx_add(c, FX_SEND);
    e->peer = peer;
    e->message = copy;
}

struct effect *fx_send_stranger(struct core *c, peer_id peer)
{
    struct effect *e = fx_add(c, FX_SEND);
    e->peer = peer;
    return e;
}

void fx_close(struct core *c, peer_id peer, const char *why)
{
    struct effect *e = fx_add(c, FX_CLOSE);
    e->peer = peer;
    e->text = why;
}

void fx_read(struct core *c, const struct store_read *read)
{
    struct store_read *copy = arena_alloc(fx_arena(c), sizeof *copy);
    *copy = *read;
    fx_add(c, FX_READ)->read = copy;
}

void fx_write(struct core *c, const struct store_row *row)
{
    struct store_row *copy = arena_alloc(fx_arena(c), sizeof *copy);
    *copy = *row;
    fx_add(c, FX_WRITE)->row = copy;
}

void fx_publish(struct core *c, const struct store_publish *publish)
{
    struct store_publish *copy = arena_alloc(fx_arena(c), sizeof *copy);
    *copy = *publish;
    fx_add(c, FX_PUBLISH)->publish = copy;
}

void fx_log(struct core *c, enum log_level level, const char *event, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct effect *e = fx_add(c, FX_LOG);
    e->level = level;
    e->log_event = event;
    e->text = arena_str(fx_arena(c), text);
}

void fx_bury(struct core *c, void (*destroy)(void *), void *thing)
{
    MEM_GROW(c->graves, c->grave_count, c->grave_cap);
    c->graves[c->grave_count++] = (struct buried){destroy, thing};
}

void fx_free_buried(struct core *c)
{
    for (size_t i = 0; i < c->grave_count; i++) {
        c->graves[i].destroy(c->graves[i].thing);
    }
    c->grave_count = 0;
}

void effects_free(struct effects *fx)
{
    free(fx->items);
    arena_free(&fx->arena);
    *fx = (struct effects){0};
}
