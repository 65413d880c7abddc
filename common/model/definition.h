/* What is said of stored pipelines: a part of message.h. */
#ifndef MARATHON_MODEL_DEFINITION_H
#define MARATHON_MODEL_DEFINITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"

/* A definition to be checked, and stored as the next version of its name unless the newest one is
 * equal. Its references to other pipelines are checked too. */
struct pipeline_put {
    struct bytes name;   /* that it must have; empty (check_only): any, or none */
    struct bytes source; /* JSON */
    struct bytes by;     /* who wants it, at most ACTOR_BYTES_MAX */
    bool check_only;
};

struct versions_request {
    struct bytes name;
    uint32_t before; /* versions older than this one; 0: from the newest on */
    uint32_t limit;
};

struct pipeline_view {
    struct bytes name, description;
    uint32_t version;
    uint32_t step_count;
    struct bytes source; /* JSON; empty in lists */
    struct bytes hash;   /* SHA-256 of the canonical text, in hex */
};

/* A stored version of a pipeline. */
struct version_view {
    uint32_t version;
    struct bytes hash; /* as above */
    unix_ms at;
    struct bytes by;
};

#endif
