/* The stored pipelines as far as a coordinator knows them, and what clients do with them: a part of
 * state.h. */
#ifndef MARATHON_CORE_LIBRARY_H
#define MARATHON_CORE_LIBRARY_H

#include "base/map.h"
#include "core/storage.h"
#include "model/message.h"
#include "model/pipeline.h"

struct core;
struct peer;
struct ask;

/* Pipelines on their way into the store: each in memory twice, at most 3 MiB */
#define PUBLISHES_PENDING_MAX 16
/* Versions that are not the newest and were asked for: read again beyond that */
#define OLD_VERSIONS_MAX 256

/* The stored pipelines as far as they are known here (library.c). */
struct library {
    struct map newest; /* name -> struct pipeline */
    struct map old;    /* "<name>:<version>" -> struct old_version: those that were asked for */
    /* While a request is handled again: the store has no such. Empty: none was looked for. */
    struct bytes absent;
    uint32_t absent_version;
    uint32_t publishing; /* on their way into the store */
};

/* library.c */
void on_pipeline(struct core *c, struct bytes source, uint32_t version);
/* That version, or (0) the newest; NULL where it is not known here. */
struct pipeline *library_find(struct core *c, struct bytes name, uint32_t version);
/* Looks for it in the store; then m, a START, GET_PIPELINES or PUT_PIPELINE, is handled again.
 * False where that has been done: there is no such. */
bool library_look(struct core *c, const struct peer *p, const struct message *m, struct bytes name,
                  uint32_t version);
void library_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);
/* The pipelines that `of` names are put in their places, as they are now; own: the one that stands
 * for its name, or NULL. NULL: m has been refused, or is handled again later. Takes the reference.
 */
struct pipeline *library_expand(struct core *c, const struct peer *p, const struct message *m,
                                struct pipeline *of, const struct pipeline *own);
void library_free(struct core *c);
/* on_publish.c: pipelines that clients store, and what they ask of those there are. */
void on_put_pipeline(struct core *c, struct peer *p, const struct message *m);
void on_published(struct core *c, const struct store_published *published);
void on_get_pipelines(struct core *c, struct peer *p, const struct message *m);
void on_get_versions(struct core *c, struct peer *p, const struct message *m);
void versions_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);

#endif
