/* Replaces the names of stored pipelines in steps by these pipelines, so that a definition stands
 * by itself: a task keeps the versions that were current at its start. Pure. */
#ifndef MARATHON_MODEL_PIPELINE_EXPAND_H
#define MARATHON_MODEL_PIPELINE_EXPAND_H

#include "model/pipeline.h"

/* The known pipelines. */
struct pipeline_library {
    /* NULL: there is none of that name */
    const struct pipeline *(*find)(void *context, struct bytes name);
    void *context;
};

/* Appends the text of p with all names replaced, to be parsed again; pipelines that are put in may
 * name others. A fault points into the source of p. ERR_NOT_FOUND: a name that is not known;
 * ERR_INVALID: a pipeline that contains itself; ERR_TOO_LARGE: nested too deep, or over
 * PIPELINE_BYTES_MAX. */
enum err MUST_CHECK pipeline_expand(const struct pipeline *p, const struct pipeline_library *l,
                                    struct buf *out, struct pipeline_fault *ret_fault);

#endif
