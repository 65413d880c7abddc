/* Who the coordinators are, for those that know only some of them: the URLs that stand beside the
 * owners' names in their records. Told to every peer at its joining and at each change. */
#include "core/members.h"

#include <stdlib.h>

#include "core/fx.h"
#include "core/peers.h"
#include "core/state.h"

/* "name url" -> url; empty where it does not say. */
static struct bytes url_of(const struct owner_record *r)
{
    const uint8_t *space = r->owner.len > 0 ? memchr(r->owner.ptr, ' ', r->owner.len) : NULL;
    size_t at = space != NULL ? (size_t)(space - r->owner.ptr) + 1 : r->owner.len;
    return bytes_part(r->owner, at, r->owner.len);
}

/* In order, each once: count afterwards. */
static uint32_t collect(const struct owner_record *owners, struct bytes urls[PARTITION_COUNT])
{
    uint32_t count = 0;
    for (int i = 0; i < PARTITION_COUNT; i++) {
        struct bytes url = url_of(&owners[i]);
        uint32_t at = 0;
        while (at < count && bytes_cmp(urls[at], url) < 0) {
            at++;
        }
        if (url.len == 0 || (at < count && bytes_eq(urls[at], url))) {
            continue;
        }
        memmove(&urls[at + 1], &urls[at], (count - at) * sizeof *urls);
        urls[at] = url;
        count++;
    }
    return count;
}

static bool as_told(const struct core *c, const struct bytes *urls, uint32_t count)
{
    bool same = c->member_count == count;
    for (uint32_t i = 0; same && i < count; i++) {
        same = bytes_is(urls[i], c->members[i]);
    }
    return same;
}

void members_tell(struct core *c, peer_id peer)
{
    struct message m = {.type = MSG_MEMBERS};
    if (c->member_count == 0) {
        return; /* nobody says how it can be reached: the peers' own lists have to do */
    }
    m.members.count = c->member_count;
    m.members.urls = arena_alloc(fx_arena(c), c->member_count * sizeof *m.members.urls);
    for (uint32_t i = 0; i < c->member_count; i++) {
        m.members.urls[i] = arena_bytes(fx_arena(c), bytes_str(c->members[i]));
    }
    fx_send(c, peer, &m);
}

void members_learn(struct core *c, const struct owner_record *owners)
{
    struct bytes urls[PARTITION_COUNT];
    uint32_t count = collect(owners, urls);
    if (as_told(c, urls, count)) {
        return;
    }
    members_free(c);
    for (; c->member_count < count; c->member_count++) {
        c->members[c->member_count] = mem_str_bytes(urls[c->member_count]);
    }
    void *value = NULL;
    for (size_t i = 0; map_next(&c->peers, &i, &value);) {
        members_tell(c, ((struct peer *)value)->id);
    }
}

void members_free(struct core *c)
{
    for (uint32_t i = 0; i < c->member_count; i++) {
        free(c->members[i]);
    }
    c->member_count = 0;
}
