/* Collects a request's body that does not arrive in one read. It stays in the page of its head,
 * after that; or, if almost none of it came with the head, in a page of its own. (The general heap
 * is not used: for memory that was used before, nobody could say how much of it is touched.) Loop's
 * thread. */
#ifndef MARATHON_HTTP_GATHERING_H
#define MARATHON_HTTP_GATHERING_H

#include "http/page.h"

/* Zero-initialised: there is none. */
struct gathering {
    struct buf body; /* within the page */
    struct page *page;
    size_t at;     /* its offset in the page */
    size_t memory; /* memory counted for it */
};

/* Memory of all bodies being collected in the process. */
size_t gatherings_memory(void);

/* part: what came with the head, in *page; if the body stays there, *page becomes another page.
 * length: of the whole body; 0: unknown. */
void gathering_begin(struct gathering *g, struct page **page, struct bytes part, size_t length);
/* Memory that such a body will take. */
size_t gathering_wants(const struct page *page, struct bytes part, size_t length);
/* Makes room for more after the current content, which may move. */
void gathering_reserve(struct gathering *g, size_t more);
/* While it is empty: makes it start so much later in its page. */
void gathering_skip(struct gathering *g, size_t bytes);
/* Records that so many bytes were read there. */
void gathering_grow(struct gathering *g, size_t bytes);
/* Returns the content and what it lies in, to which the caller then holds a reference; leaves the
 * gathering empty. */
struct shared *gathering_take(struct gathering *g, struct bytes *ret_body);
void gathering_drop(struct gathering *g);

#endif
