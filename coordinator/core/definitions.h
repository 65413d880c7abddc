/* Parsed definitions, shared by all that have the same text: a hundred thousand tasks of one inline
 * pipeline hold it, and have it parsed, once; so do a stored one, those who store it again or have
 * it checked, and the tasks that are read back from the store with its canonical text. */
#ifndef MARATHON_CORE_DEFINITIONS_H
#define MARATHON_CORE_DEFINITIONS_H

#include "base/map.h"
#include "model/pipeline.h"

/* Definitions that nobody uses any more are kept for the next start, up to so many texts and bytes
 * of them. */
#define DEFINITIONS_IDLE_MAX       1024u
#define DEFINITIONS_IDLE_BYTES_MAX (8u << 20)

struct definitions {
    struct map by_text;        /* SHA-256 -> struct definition */
    size_t bytes;              /* of the canonical texts */
    size_t limit, bytes_limit; /* beyond these idle ones are looked for and dropped */
};

void definitions_free(struct definitions *d);
/* As pipeline_parse. version: of a stored pipeline, 0 for an inline one. d may be NULL: then
 * nothing is shared. The caller owns a reference. */
enum err MUST_CHECK definitions_get(struct definitions *d, struct bytes text, uint32_t version,
                                    struct pipeline **ret_pipeline,
                                    struct pipeline_fault *ret_fault);

#endif
