/* Parsed definitions, shared by all tasks that were started with the same text: a hundred thousand
 * tasks of one inline pipeline hold it, and have it parsed, once. */
#ifndef MARATHON_CORE_DEFINITIONS_H
#define MARATHON_CORE_DEFINITIONS_H

#include "base/map.h"
#include "model/pipeline.h"

/* Definitions that no task uses any more are kept for the next start, up to so many. */
#define DEFINITIONS_IDLE_MAX 1024u

struct definitions {
    struct map by_text;
    size_t limit; /* beyond this count idle ones are looked for and dropped */
};

void definitions_free(struct definitions *d);
/* As pipeline_parse. version: of a stored pipeline, 0 for an inline one. d may be NULL: then
 * nothing is shared. The caller owns a reference. */
enum err MUST_CHECK definitions_get(struct definitions *d, struct bytes text, uint32_t version,
                                    struct pipeline **ret_pipeline,
                                    struct pipeline_fault *ret_fault);

#endif
