#include "run/environment.h"

#include <inttypes.h>
#include <string.h>

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool environment_passes(const char *entry)
{
    if (begins(entry, "MARATHON_DATA_DIR=") || begins(entry, "MARATHON_EFFECTS_LOG=")) {
        return true; /* for functions: where their files are, and where tests see what they did */
    }
    return !begins(entry, "MARATHON_") && !begins(entry, "REDIS_URL");
}

static bool same_name(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");
    return n == strcspn(b, "=") && memcmp(a, b, n) == 0;
}

/* A later entry replaces an earlier one of the same name. */
static size_t put(const char **out, size_t count, const char *entry)
{
    for (size_t i = 0; i < count; i++) {
        if (same_name(out[i], entry)) {
            out[i] = entry;
            return count;
        }
    }
    out[count] = entry;
    return count + 1;
}

static size_t count_of(const char *const *list)
{
    size_t n = 0;
    while (list != NULL && list[n] != NULL) {
        n++;
    }
    return n;
}

static const char *text_of(struct bytes b)
{
    return b.len > 0 ? (const char *)b.ptr : "";
}

static size_t put_call(struct arena *arena, const char **out, size_t count,
                       const struct attempt_call *call)
{
    const struct step_order *o = call->order;
    const char *const made[] = {
        arena_printf(arena, "MARATHON_TASK_ID=%.*s", (int)o->ref.task_id.len,
                     text_of(o->ref.task_id)),
        arena_printf(arena, "MARATHON_STEP=%.*s", (int)o->name.len, text_of(o->name)),
        arena_printf(arena, "MARATHON_STEP_ID=step_%" PRIu32, o->ref.step),
        arena_printf(arena, "MARATHON_ATTEMPT=%" PRIu32, o->ref.attempt),
        arena_printf(arena, "MARATHON_IDEMPOTENCY_KEY=%.*s", (int)o->idempotency_key.len,
                     text_of(o->idempotency_key)),
    };
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        count = put(out, count, made[i]);
    }
    if (o->ref.item != ITEM_NONE) {
        count = put(out, count, arena_printf(arena, "MARATHON_INDEX=%" PRIu32, o->ref.item - 1));
    }
    return count;
}

const char *const *environment_make(struct arena *arena, char *const *ours,
                                    const char *const *extra, const struct attempt_call *call)
{
    size_t own = 0;
    while (ours[own] != NULL) {
        own++;
    }
    const char **out = arena_alloc(arena, (own + count_of(extra) + 9) * sizeof *out);
    size_t count = 0;
    for (size_t i = 0; i < own; i++) {
        if (environment_passes(ours[i])) {
            out[count++] = ours[i];
        }
    }
    for (size_t i = 0; extra != NULL && extra[i] != NULL; i++) {
        count = put(out, count, extra[i]);
    }
    if (call != NULL) {
        count = put_call(arena, out, count, call);
    }
    out[count] = NULL;
    return out;
}
