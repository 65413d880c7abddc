#include "expr/members.h"

/* Shorter texts are scanned faster than found in the cache; and a look-up goes through the whole
 * cache, which bounds its size. */
#define SEEN_BYTES_MIN 64u
#define SEEN_MAX       64u

/* A member's offsets in the text. */
struct seen_member {
    uint32_t key, key_len;
    uint32_t json, json_len;
    uint16_t depth;
    bool escaped;
};

/* A cached list or map, as far as it was scanned. */
struct seen {
    struct seen *older;
    struct bytes json;
    struct seen_member *members;
    uint32_t count, cap;
    struct json_walk rest;
};

bool work_spend(struct expr_scope *scope, size_t members, size_t bytes)
{
    size_t more = members + bytes / 64;
    if (more > EXPR_WORK_MAX - scope->work) {
        scope->work = EXPR_WORK_MAX;
        return false;
    }
    scope->work += (uint32_t)more;
    return true;
}

/* The cache entry for this value, made if it is new; NULL: it is not cached. */
static struct seen *seen_of(struct expr_scope *scope, struct bytes json)
{
    struct expr_seen *all = scope->seen;
    if (all == NULL || json.len < SEEN_BYTES_MIN || json.len > UINT32_MAX) {
        return NULL;
    }
    for (struct seen *s = all->newest; s != NULL; s = s->older) {
        if (s->json.ptr == json.ptr) { /* the start identifies a value */
            return s;
        }
    }
    if (all->count == SEEN_MAX) {
        return NULL;
    }
    struct seen *s = arena_alloc(scope->arena, sizeof *s);
    *s = (struct seen){.older = all->newest, .json = json, .rest = json_walk(json)};
    all->newest = s;
    all->count++;
    return s;
}

struct members members_of(struct expr_scope *scope, struct bytes json)
{
    struct members w = {.scope = scope, .seen = seen_of(scope, json), .err = ERR_OK};
    if (w.seen == NULL) {
        w.rest = json_walk(json);
    }
    return w;
}

/* Makes room for one more member; false if it must not be cached. */
static bool make_room(struct expr_scope *scope, struct seen *s)
{
    if (s->count < s->cap) {
        return true;
    }
    /* the arena does not free the old array, so it counts too */
    uint32_t cap = s->cap == 0 ? 8 : 2 * s->cap;
    uint32_t left = EXPR_SEEN_MEMBERS_MAX - scope->seen->members;
    if (cap > left) {
        return false;
    }
    struct seen_member *members = arena_alloc(scope->arena, cap * sizeof *members);
    if (s->count > 0) {
        memcpy(members, s->members, s->count * sizeof *members);
    }
    s->members = members;
    s->cap = cap;
    scope->seen->members += cap;
    return true;
}

static struct member seen_at(const struct seen *s, uint32_t i)
{
    const struct seen_member *m = &s->members[i];
    return (struct member){.key = bytes_of(s->json.ptr + m->key, m->key_len),
                           .json = bytes_of(s->json.ptr + m->json, m->json_len),
                           .escaped = m->escaped,
                           .depth = m->depth};
}

static void keep(struct seen *s, const struct member *m)
{
    const uint8_t *key = m->key.ptr != NULL ? m->key.ptr : s->json.ptr;
    s->members[s->count++] = (struct seen_member){.key = (uint32_t)(key - s->json.ptr),
                                                  .key_len = (uint32_t)m->key.len,
                                                  .json = (uint32_t)(m->json.ptr - s->json.ptr),
                                                  .json_len = (uint32_t)m->json.len,
                                                  .depth = (uint16_t)m->depth, /* at most 64 */
                                                  .escaped = m->escaped};
}

/* Scans the next member that is not cached yet. */
static bool take(struct members *w, struct json_walk *rest, struct member *ret_member)
{
    if (!json_next(rest, &ret_member->key, &ret_member->json)) {
        return false;
    }
    struct bytes key = ret_member->key;
    ret_member->escaped = key.len > 0 && memchr(key.ptr, '\\', key.len) != NULL;
    ret_member->depth = rest->depth;
    w->err = work_spend(w->scope, 1, key.len + ret_member->json.len) ? ERR_OK : ERR_TOO_LARGE;
    return w->err == ERR_OK;
}

bool members_next(struct members *w, struct member *ret_member)
{
    struct seen *s = w->seen;
    if (s != NULL && w->next < s->count) {
        *ret_member = seen_at(s, w->next++);
        size_t again = ret_member->escaped ? ret_member->key.len : 0; /* decoded again */
        w->err = work_spend(w->scope, 1, again) ? ERR_OK : ERR_TOO_LARGE;
        return w->err == ERR_OK;
    }
    /* not cacheable: each reader scans the rest itself */
    if (s != NULL && !make_room(w->scope, s)) {
        w->rest = s->rest;
        w->seen = s = NULL;
    }
    if (!take(w, s != NULL ? &s->rest : &w->rest, ret_member)) {
        return false;
    }
    if (s != NULL) {
        keep(s, ret_member);
        w->next++;
    }
    return true;
}
