/* The stored pipelines, as far as this coordinator knows them, and the requests about them. struct
 * library is a part of struct core. */
#ifndef MARATHON_CORE_LIBRARY_H
#define MARATHON_CORE_LIBRARY_H

#include "base/map.h"
#include "core/storage.h"
#include "model/message.h"
#include "model/pipeline.h"

struct core;
struct peer;
struct ask;

/* Pipelines that are being stored: each is in memory twice, at most 3 MiB */
#define PUBLISHES_PENDING_MAX 16
/* Versions other than the newest that were asked for are kept, up to so many: beyond that they are
 * read again */
#define OLD_VERSIONS_MAX 256
/* Pipelines that name others, put together: done again beyond that */
#define WHOLES_MAX 256

/* The pipelines that are known here. */
struct library {
    struct map newest; /* name -> struct pipeline */
    struct map old; /* "<name>:<version>" -> struct old_version: older ones that were asked for */
    struct map wholes; /* address of a pipeline that names others -> struct whole; none of them
                          outlives a change of the newest ones */
    /* While a request is handled again: the pipeline that was looked for, and is not in the store.
     * Empty: none was. */
    struct bytes absent;
    uint32_t absent_version;
    struct shared *input; /* likewise: of a start, the text in which its input lies; or NULL */
    uint32_t publishing;  /* how many are being stored */
};

/* ---- library.c ---- */
void on_pipeline(struct core *c, struct bytes source, uint32_t version);
/* That version, or the newest (0); NULL where it is not known here. */
struct pipeline *library_find(struct core *c, struct bytes name, uint32_t version);
/* Looks for a pipeline in the store; then m, a START, GET_PIPELINES or PUT_PIPELINE, is handled
 * again. False where that was done already: there is no such pipeline. */
bool library_look(struct core *c, const struct peer *p, const struct message *m, struct bytes name,
                  uint32_t version);
/* Where such a start's input lies, which its row may go out with; NULL: in the message. */
struct shared *library_input(const struct core *c, struct bytes input);
void library_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);
/* Replaces the names of other pipelines in `of` by these pipelines as they are now; own: the one
 * that stands for the name of `of`, or NULL. Returns NULL where m was refused, or is handled again
 * later. Takes the reference. */
struct pipeline *library_expand(struct core *c, const struct peer *p, const struct message *m,
                                struct pipeline *of, const struct pipeline *own);
void library_free(struct core *c);
/* ---- on_publish.c: storing pipelines, and questions about them ---- */
void on_put_pipeline(struct core *c, struct peer *p, const struct message *m);
void on_published(struct core *c, const struct store_published *published);
void on_get_pipelines(struct core *c, struct peer *p, const struct message *m);
void on_get_versions(struct core *c, struct peer *p, const struct message *m);
void versions_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);

#endif
