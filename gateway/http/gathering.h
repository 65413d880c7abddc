/* A request's body that did not come at once. It stays in the page of its head, behind that; or,
 * where next to nothing of it came with the head, in a page of its own: of what the heap has used
 * before nobody could say how much of it is touched. Loop's thread. */
#ifndef MARATHON_HTTP_GATHERING_H
#define MARATHON_HTTP_GATHERING_H

#include "http/page.h"

/* Zero-initialised: there is none. */
struct gathering {
    struct buf body; /* in the page */
    struct page *page;
    size_t at;     /* in the page */
    size_t memory; /* counted */
};

/* Memory of those that there are, in all of the process. */
size_t gatherings_memory(void);

/* part: what came with the head, in *page, which is another one then where the body stays. length:
 * of all of it; 0: it is not known. */
void gathering_begin(struct gathering *g, struct page **page, struct bytes part, size_t length);
/* Memory that this takes. */
size_t gathering_wants(const struct page *page, struct bytes part, size_t length);
/* Room for more behind what there is, which may move. */
void gathering_reserve(struct gathering *g, size_t more);
/* While there is nothing of it: it begins so much later in its page. */
void gathering_skip(struct gathering *g, size_t bytes);
/* So many bytes were read there. */
void gathering_grow(struct gathering *g, size_t bytes);
/* What there is, and what it lies in, of which the caller is a holder: there is none here then. */
struct shared *gathering_take(struct gathering *g, struct bytes *ret_body);
void gathering_drop(struct gathering *g);

#endif
