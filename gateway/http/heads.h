/* Memory of libwebsockets: its allocations are the C library's, but for the buffer of a request's
 * head, large and held for a moment. A few of those are kept for the next requests, or each would
 * cost a mapping made, touched and taken apart; and that behind.h is told of what it keeps. One
 * thread. */
#ifndef MARATHON_HTTP_HEADS_H
#define MARATHON_HTTP_HEADS_H

#include <stddef.h>

/* As libwebsockets wants it: realloc, and free where size is 0. */
void *heads_realloc(void *ptr, size_t size, const char *reason);
/* Each so often: what is kept and was not needed since the last time goes back to the system. */
void heads_sweep(void);

#endif
