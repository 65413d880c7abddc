/* Puts the pipelines that steps name in their places, so that a definition stands by itself: the
 * task that runs it keeps the versions that there were at its start. Pure. */
#ifndef MARATHON_MODEL_PIPELINE_EXPAND_H
#define MARATHON_MODEL_PIPELINE_EXPAND_H

#include "model/pipeline.h"

/* The pipelines that there are. */
struct pipeline_library {
    const struct pipeline *(*find)(void *context, struct bytes name); /* NULL: no such */
    void *context;
};

/* Appends the text of p, to be parsed again; p itself may name pipelines, and those others. The
 * fault points into the source of p. ERR_NOT_FOUND: one that there is not; ERR_INVALID: one that
 * contains itself; ERR_TOO_LARGE: too deep, or over PIPELINE_BYTES_MAX. */
enum err MUST_CHECK pipeline_expand(const struct pipeline *p, const struct pipeline_library *l,
                                    struct buf *out, struct pipeline_fault *ret_fault);

#endif
