#include "agent/state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG_TEXT_BYTES_MAX 512

void fx_lenders_drop(struct agent_effects *fx)
{
    for (size_t i = 0; i < fx->count && fx->lent > 0; i++) {
        fx->lent -= fx->items[i].lender != NULL;
        shared_drop(fx->items[i].lender);
    }
}

void agent_effects_free(struct agent_effects *fx)
{
    fx_lenders_drop(fx);
    free(fx->items);
    arena_free(&fx->arena);
    *fx = (struct agent_effects){0};
}

struct agent_effect *fx_add(struct agent *a, enum agent_effect_kind kind)
{
    struct agent_effects *fx = a->fx;
    MEM_GROW(fx->items, fx->count, fx->cap);
    struct agent_effect *e = &fx->items[fx->count++];
    *e = (struct agent_effect){.kind = kind};
    return e;
}

struct message *fx_send(struct agent *a, peer_id peer, enum message_type type)
{
    struct message *m = arena_alloc(&a->fx->arena, sizeof *m);
    m->type = type;
    struct agent_effect *e = fx_add(a, AGENT_FX_SEND);
    e->peer = peer;
    e->message = m;
    return m;
}

void fx_lend(struct agent *a, struct shared *lender)
{
    struct agent_effects *fx = a->fx;
    fx->items[fx->count - 1].lender = lender;
    fx->lent++;
}

void fx_log(struct agent *a, enum log_level level, const char *event, const char *format, ...)
{
    char text[LOG_TEXT_BYTES_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct agent_effect *e = fx_add(a, AGENT_FX_LOG);
    e->level = level;
    e->log_event = event;
    e->text = arena_str(&a->fx->arena, text);
}

const char *fx_ref_text(struct agent *a, const struct attempt_ref *ref)
{
    return arena_printf(&a->fx->arena,
                        "task=%.*s run=%" PRIu32 " step=%" PRIu32 " item=%" PRIu32
                        " attempt=%" PRIu32 " delivery=%" PRIu32,
                        (int)ref->task_id.len, (const char *)ref->task_id.ptr, ref->run, ref->step,
                        ref->item, ref->attempt, ref->delivery);
}
