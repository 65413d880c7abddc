#include "base/parts.h"

#include "base/shared.h"

size_t parts_len(const struct parts *p)
{
    size_t len = p->count == 0 ? p->whole.len : 0;
    for (uint32_t i = 0; i < p->count; i++) {
        len += p->items[i].len;
    }
    return len;
}

void parts_put(const struct parts *p, struct buf *out)
{
    buf_add_bytes(out, p->count == 0 ? p->whole : BYTES_NONE);
    for (uint32_t i = 0; i < p->count; i++) {
        buf_add_bytes(out, p->items[i]);
    }
}

static struct bytes join(const struct parts *p, struct arena *arena)
{
    struct buf whole = arena_text(arena, parts_len(p));
    parts_put(p, &whole);
    return buf_bytes(&whole);
}

struct bytes parts_join(const struct parts *p, struct arena *arena)
{
    if (p->count <= 1) {
        return p->count == 0 ? p->whole : p->items[0];
    }
    return join(p, arena);
}

struct parts parts_copy(const struct parts *p, struct arena *arena)
{
    return parts_whole(p->count == 0 ? arena_bytes(arena, p->whole) : join(p, arena));
}
