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
    KEY_LIST,  /* marathon:list:<pNN> */
    KEY_DEAD,  /* marathon:dead:<pNN> */
    KEY_IDEM,  /* marathon:idem:<pNN>:<hex> */
    KEY_USAGE, /* marathon:usage:<pNN>:<day> */
    KEY_NEVER, /* marathon:none:<pNN>, which is never there */
    /* of no partition */
    KEY_LIMIT,     /* marathon:limit:<key>, the id is what users call the limit; the others alike */
    KEY_LINE,      /* marathon:line:<key> */
    KEY_RATE,      /* marathon:rate:<key> */
    KEY_PIPELINE,  /* marathon:pipeline:<name>:<version> */
    KEY_VERSIONS,  /* marathon:versions:<name> */
    KEY_SECRET,    /* marathon:secret */
    KEY_PIPELINES, /* marathon:pipelines */
    KEY_CHANGED,   /* marathon:pipelines:changed */
};

/* Appends the name of a key. `id` is the task's id, the hex of KEY_IDEM, the day of KEY_USAGE, what
 * stands in <> of those of no partition, or empty where the key has none (or only its prefix is
 * wanted). With tags, which are what a Redis Cluster hashes, the partition stands in braces and is
 * part of every name, so that all keys of a partition meet in one slot; those of no partition meet
 * in another, by the tag {shared}. */
struct redis_names {
    bool tags;
};
void redis_name(const struct redis_names *names, enum redis_key key, partition_id partition,
                struct bytes id, struct buf *out);

#endif
