/* Names of keys in Redis: here, and in marathon.lua for those of a row that it makes itself.
 * README.md lists what is in them. Pure. */
#ifndef MARATHON_STORE_REDIS_NAMES_H
#define MARATHON_STORE_REDIS_NAMES_H

#include "base/bytes.h"
#include "base/id.h"

enum redis_key {
    KEY_DOC,   /* checkpoint:<id> */
    KEY_ERROR, /* error:<id> */
    KEY_TASK,  /* marathon:task:<id> */
    KEY_ITEMS, /* marathon:items:<id> */
    KEY_OWNER, /* marathon:owner:<pNN> */
    KEY_FENCE, /* marathon:fence:<pNN> */
    KEY_LIVE,  /* marathon:live:<pNN> */
    KEY_ENDED, /* marathon:ended:<pNN> */
    KEY_LIST,  /* marathon:list:<pNN> */
    KEY_DEAD,  /* marathon:dead:<pNN> */
    KEY_IDEM,  /* marathon:idem:<pNN>:<hex> */
    KEY_USAGE, /* marathon:usage:<pNN>:<day> */
    /* of no partition: the id is what users call the limit */
    KEY_LIMIT, /* marathon:limit:<key> */
    KEY_LINE,  /* marathon:line:<key> */
    KEY_RATE,  /* marathon:rate:<key> */
};

/* Appends the name of a partition's key. `id` is the task's id, the hex of KEY_IDEM, the day of
 * KEY_USAGE, or empty where the key has none (or only its prefix is wanted). With tags the
 * partition stands in braces and is part of every name, so that all keys of a partition meet in one
 * slot of a Redis Cluster. */
struct redis_names {
    bool tags;
};
void redis_name(const struct redis_names *names, enum redis_key key, partition_id partition,
                struct bytes id, struct buf *out);

/* Keys of no partition. */
#define KEY_SECRET         "marathon:secret"
#define KEY_PIPELINE_INDEX "marathon:pipelines"
#define KEY_NEVER          "marathon:none" /* is never there: to ask whether writes are taken */
/* The key of a version is this, name, ':', version. */
#define KEY_PIPELINE_PREFIX "marathon:pipeline:"
/* ... and the list of a name's versions is this and name. */
#define KEY_VERSIONS_PREFIX   "marathon:versions:"
#define KEY_PIPELINES_CHANGED "marathon:pipelines:changed"

#endif
