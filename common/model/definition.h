/* Messages about stored pipelines, as part of message.h. */
#ifndef MARATHON_MODEL_DEFINITION_H
#define MARATHON_MODEL_DEFINITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"

/* A definition to be checked and, unless the newest version is equal, stored as the next version of
 * its name. Its references to other pipelines are checked too. */
struct pipeline_put {
    /* the name it must have; with check_only it may be empty: any name, or none */
    struct bytes name;
    struct bytes source; /* JSON */
    struct bytes by;     /* who stores it, at most ACTOR_BYTES_MAX */
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
