/* Dead letters: merges the pages of all coordinators, and reports what became of requeuing a page.
 * Pure. */
#ifndef MARATHON_API_DEAD_JSON_H
#define MARATHON_API_DEAD_JSON_H

#include "api/pages.h"
#include "model/limits.h"

struct dead_page {
    const struct dead_letter *items[DEAD_PAGE_MAX]; /* borrowed from the replies */
    uint32_t count;
    struct place next; /* where the next page begins */
};

/* ?limit= &cursor=. The cursor's id goes to the arena. */
bool dead_query_parse(const struct query *q, struct arena *arena, struct list_request *ret_request,
                      struct problem *ret_problem);
/* replies: MSG_DEAD of distinct coordinators to the same request. limit: 1 to DEAD_PAGE_MAX. */
void dead_page_merge(const struct message *const *replies, size_t count, uint32_t limit,
                     struct dead_page *ret_page);
/* Appends {"items":[...],"next_cursor":...}. */
void dead_page_render(const struct dead_page *page, struct buf *out);
/* Appends the object of a dead letter that could not be requeued. */
void dead_failure_put(struct buf *out, struct bytes task_id, uint32_t step,
                      const struct problem *why);

#endif
