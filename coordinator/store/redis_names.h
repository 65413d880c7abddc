/* Names of Redis keys. marathon.lua makes some of a row's names itself, in the same form. README.md
 * lists the keys' content. Pure. */
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
    KEY_NEVER, /* marathon:none:<pNN>, a key that never exists */
    /* keys that belong to no partition */
    KEY_LIMIT,     /* marathon:limit:<key>: `id` is the users' key of the limit; likewise below */
    KEY_LINE,      /* marathon:line:<key> */
    KEY_RATE,      /* marathon:rate:<key> */
    KEY_PIPELINE,  /* marathon:pipeline:<name>:<version> */
    KEY_VERSIONS,  /* marathon:versions:<name> */
    KEY_SECRET,    /* marathon:secret */
    KEY_PIPELINES, /* marathon:pipelines */
    KEY_CHANGED,   /* marathon:pipelines:changed */
};

/* The form of names, and redis_name, which appends the name of a key to out. `id` is the task's id;
 * for KEY_IDEM the hex, for KEY_USAGE the day; for keys of no partition what the list above has in
 * <>; empty where the key has none of these, or only its prefix is wanted. With tags (the part of a
 * name that a Redis Cluster hashes), the partition is in braces and part of each name, so that all
 * keys of a partition share a slot; keys of no partition share another slot by the tag {shared}. */
struct redis_names {
    bool tags;
};
void redis_name(const struct redis_names *names, enum redis_key key, partition_id partition,
                struct bytes id, struct buf *out);

#endif
