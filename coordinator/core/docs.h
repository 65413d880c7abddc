/* Pieces of documents that gateways ask for (on_doc.c): docs_bytes are being read, docs_waiting
 * asks wait in the order in which they came. */
#ifndef MARATHON_CORE_DOCS_H
#define MARATHON_CORE_DOCS_H

#include "core/core.h"

struct ask;
struct peer;

/* Of documents that are being read for gateways: renewals of leases go the same way to the store,
 * and must not wait behind more than it answers in a moment. */
#define DOCS_BYTES_MAX (32u << 20)

void on_get_doc(struct core *c, struct peer *p, const struct message *m);
void doc_on_answer(struct core *c, struct ask *ask, const struct store_answer *a);
void docs_free(struct core *c); /* those that wait */
void docs_check(const struct core *c);

#endif
