/* The requests of gateways: on_* takes one (called by core.c), *_on_answer what was read for it
 * (called by asks.c). Watches, documents and stored pipelines have headers of their own
 * (on_watch.h, docs.h, library.h). */
#ifndef MARATHON_CORE_REQUESTS_H
#define MARATHON_CORE_REQUESTS_H

#include "core/core.h"

struct ask;
struct peer;
struct pending_write;

/* ---- on_start.c ---- */

void on_start(struct core *c, struct peer *p, const struct message *m);
void on_admitted(struct core *c, struct pending_write *w, const struct store_written *written);

/* ---- on_cancel.c, on_signal.c ---- */

void on_cancel(struct core *c, struct peer *p, const struct message *m);
void on_signal(struct core *c, struct peer *p, const struct message *m);

/* ---- on_recover.c, fork.c; what follows the read is in recover.h ---- */

void on_recover(struct core *c, struct peer *p, const struct message *m);
void on_fork(struct core *c, struct peer *p, const struct message *m);

/* ---- on_query.c ---- */

void on_query(struct core *c, struct peer *p, const struct message *m);
void query_on_task(struct core *c, const struct ask *ask, const struct store_answer *a);
void query_on_answer(struct core *c, struct ask *ask, const struct store_answer *a);

/* ---- on_items.c ---- */

void on_items(struct core *c, struct peer *p, const struct message *m);
void items_on_answer(struct core *c, struct ask *ask, const struct store_answer *a);

/* ---- on_dead.c ---- */

void on_get_dead(struct core *c, const struct peer *p, const struct message *m);
void dead_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);
void on_requeue(struct core *c, struct peer *p, const struct message *m);

/* ---- on_usage.c ---- */

void on_get_usage(struct core *c, const struct peer *p, const struct message *m);
void usage_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);

#endif
