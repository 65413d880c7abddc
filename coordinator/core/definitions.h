/* Parsed definitions, shared by all tasks that were started with the same text: a hundred thousand
 * tasks of one inline pipeline hold it, and have it parsed, once. */
#ifndef MARATHON_CORE_DEFINITIONS_H
#define MARATHON_CORE_DEFINITIONS_H

#include "base/map.h"
#include "model/pipeline.h"

/* What no task uses any more is kept for the next start, up to so many. */
#define DEFINITIONS_IDLE_MAX 1024u

struct definitions {
    struct map by_text;
    size_t limit; /* idle ones are looked for beyond this count */
};

void definitions_free(struct definitions *d);
/* As pipeline_parse; the text's version is the stored one, 0 for an inline pipeline. d may be NULL:
 * not shared, then. The caller owns a reference. */
enum err MUST_CHECK definitions_get(struct definitions *d, struct bytes text, uint32_t version,
                                    struct pipeline **ret_pipeline,
                                    struct pipeline_fault *ret_fault);

#endif
