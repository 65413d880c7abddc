/* Parts of checkpoint documents that gateways ask for (on_doc.c). docs_bytes of them are being
 * read; docs_waiting more are queued in the order of their requests. */
#ifndef MARATHON_CORE_DOCS_H
#define MARATHON_CORE_DOCS_H

#include "core/core.h"

struct ask;
struct peer;

/* Bytes of documents that are read for gateways at once. Renewals of leases take the same way to
 * the store, and must not wait behind more than it answers in a moment. */
#define DOCS_BYTES_MAX (32u << 20)

void on_get_doc(struct core *c, struct peer *p, const struct message *m);
void doc_on_answer(struct core *c, struct ask *ask, const struct store_answer *a);
void docs_free(struct core *c); /* the queued ones */
void docs_check(const struct core *c);

#endif
