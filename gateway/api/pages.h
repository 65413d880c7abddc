/* Lists of which each coordinator has a part, newest first: parses the query for a page, and merges
 * the coordinators' pages into one. Pure.
 *
 * The order is (time, task id), both descending. */
#ifndef MARATHON_API_PAGES_H
#define MARATHON_API_PAGES_H

#include "api/query.h"

#define PAGES_MERGED_MAX 64u /* replies; a gateway knows no more coordinators */

/* A place in the order. An empty id means none. */
struct place {
    unix_ms at;
    struct bytes id;
};

/* How to read a reply of this kind. */
struct page_kind {
    uint32_t (*count)(const struct message *m);
    struct place (*item)(const struct message *m, uint32_t index);
    /* place of its last item, after which its next page begins */
    struct place (*end)(const struct message *m);
};

struct pages {
    const struct page_kind *kind;
    const struct message *const *replies;
    size_t count;
    uint32_t limit, taken;
    uint32_t next[PAGES_MERGED_MAX]; /* for each reply, the first item not taken yet */
    struct place barrier; /* after this place a reply may have more items than it contains */
    struct place last;    /* of the last item taken */
    bool cut;
};

/* ?limit= &cursor=, into the request's limit, before and before_id, which goes to the arena.
 * Without a limit argument the limit is unchanged. */
bool page_query_parse(const struct query *q, uint32_t limit_max, struct arena *arena,
                      struct list_request *request, struct problem *ret_problem);

/* replies: of distinct coordinators to the same request; at most PAGES_MERGED_MAX. */
struct pages pages_merge(const struct page_kind *kind, const struct message *const *replies,
                         size_t count, uint32_t limit);
/* The next item of the merged page; false at its end. */
bool pages_next(struct pages *p, size_t *ret_reply, uint32_t *ret_index);
/* After pages_next returned false: where the next page begins. */
struct place pages_end(const struct pages *p);
/* Appends ,"next_cursor":"..." or null. */
void page_cursor_put(struct buf *out, struct place next);

#endif
