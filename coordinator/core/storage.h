/* What the core asks of a store, as plain data: rows to write, reads, and their answers. store/
 * carries them out.
 *
 * The store applies each row atomically, in the order in which rows were given, or not at all; it
 * checks first (fence, version, state), then writes. Reads see all rows given before them. The
 * keys are in store/README.md. */
#ifndef MARATHON_CORE_STORAGE_H
#define MARATHON_CORE_STORAGE_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/parts.h"
#include "base/shared.h"
#include "model/usage_groups.h"

#define NONCE_BYTES  16
#define SECRET_BYTES 32

/* The right to write to a partition: epoch and nonce of its owner. The store refuses rows with a
 * stale one. */
struct fence {
    uint64_t epoch;
    uint8_t nonce[NONCE_BYTES];
};

struct owner_record {
    bool unseen; /* its part of the store cannot be reached: nothing is known of the partition, all
                    else is zero */
    bool exists; /* false: the partition was never owned; epoch 0 */
    struct fence fence;
    struct bytes owner; /* name of the coordinator that owns it; empty: released, free to claim */
    bool wished;        /* another coordinator asks for it, to get its share; a claim ends that */
    uint8_t wish[NONCE_BYTES]; /* nonce of who asks. Once owner is empty, the others leave the
                                  partition to that one for a lease */
    uint64_t beat;             /* bumped by each renewal */
};

enum row_kind {
    ROW_CLAIM,   /* compare-and-set of a partition's owner record */
    ROW_RENEW,   /* bumps the beat */
    ROW_RELEASE, /* empties owner; epoch and nonce stay, so that from then on the old fence is
                    refused like a stranger's */
    ROW_WISH,    /* asks the owner that was seen to hand the partition over to claim.nonce */
    ROW_ADMIT,   /* a new task, or a fresh run of an ended one */
    ROW_UPDATE,  /* a change of a task */
    ROW_UNLIST,  /* takes a task whose record is gone or has ended out of the live index */
};

enum row_life {
    LIFE_KEEP,   /* the task stays alive, or stays ended */
    LIFE_END,    /* the task ends: the TTL starts on all its keys, it leaves the live index, its
                    document is rewritten compactly */
    LIFE_REVIVE, /* the task is revived: PERSIST on all its keys, back into the live index.
                    STORE_GONE where the TTL has passed */
};

struct step_blob {
    uint32_t index;
    struct bytes blob;
};

/* As a row has it. */
struct row_step {
    uint32_t index;
    struct parts blob;
};

/* ---- the items of a fan-out step ----
 * Items are stored apart from the record, so that a change of one costs its own size only. Each has
 * the value that it is for, a blob, and a result. */

/* The first byte of an item's blob. */
enum item_mark {
    ITEM_WAITING = 'w', /* it has no blob */
    /* it has a blob: it waits for its next attempt, or has saved a progress checkpoint */
    ITEM_BEGUN = 'b',
    ITEM_DONE = 'd',
    ITEM_FAILED = 'f',
    ITEM_CANCELLED = 'x',
};

enum items_change_kind {
    ITEMS_MAKE,  /* the step has exactly these items, all waiting */
    ITEMS_PUT,   /* sets the blob of one item, and its result where there is one */
    ITEMS_AGAIN, /* all that are not done wait again, as if they had never begun */
    ITEMS_DROP,  /* the step has no items */
};

struct items_change {
    enum items_change_kind kind;
    uint32_t step;
    uint32_t item;        /* PUT: from 1 */
    struct parts blob;    /* PUT */
    struct bytes result;  /* PUT: JSON; empty = none */
    struct bytes *values; /* MAKE: JSON */
    uint32_t count;       /* MAKE */
};

struct stored_item {
    uint32_t item;
    struct bytes blob, result; /* empty where there is none */
};

/* The items of a step, as they are read with a record. */
struct stored_items {
    uint32_t step;
    struct bytes marks;        /* one byte per item */
    struct stored_item *begun; /* blobs of those that have begun and are not over */
    uint32_t begun_count;
};

struct event_blob {
    uint64_t seq;
    struct bytes blob;
};

/* As a row has it. */
struct row_event {
    uint64_t seq;
    struct parts blob;
};

struct store_row {
    enum row_kind kind;
    uint64_t write_id; /* echoed in the answer; rises by one per row */
    partition_id partition;
    struct fence fence; /* to be checked; CLAIM, WISH: the record's fence as it was seen */
    /* CLAIM */
    bool claim_absent;  /* true: only if there is no record */
    struct fence claim; /* the new fence */
    struct bytes owner; /* name of the new owner */
    /* ADMIT and UPDATE */
    struct bytes task_id;
    uint64_t version; /* UPDATE: version of the record before this row; the row increments it. ADMIT
                         sets it to 1 */
    /* UPDATE: checked like the version: the newest event's seq before this row, and the length of
     * the document (as rows left it: white space that the end of a task removed counts). */
    uint64_t stored_seq, stored_doc_bytes;
    struct bytes head;      /* blob of the task itself */
    struct row_step *steps; /* the changed steps (a step that was never changed has no blob) */
    uint32_t step_count;
    struct row_event *events;
    uint32_t event_count;
    struct items_change *items; /* applied in this order, before the document is written */
    uint32_t items_count;
    enum row_life life;
    /* LIFE_END: of the task's keys. RENEW: entries of expired tasks are removed from the list of
     * tasks, at the earliest this long after the task's creation */
    uint32_t ttl_s;
    /* LIFE_END: the task failed by a dead letter. This blob joins the partition's index of dead
     * letters, until the task is revived, started afresh or expires. Empty = none. */
    struct bytes dead;
    unix_ms dead_at; /* sort key in that index */
    /* the checkpoint document: three parts that are written one after the other at doc_offset; all
     * empty = unchanged */
    uint64_t doc_offset;
    struct bytes doc[3];
    struct shared *doc_text; /* the buffer in which doc[0] and doc[1] lie, which the store may hold
                                instead of a copy; NULL: none */
    /* Index + 1 of a fan-out step: the store joins its items' results as doc[1], an array with null
     * for each item without one. doc_items_bytes is the length that it must have, else
     * STORE_VERSION. */
    uint32_t doc_items;
    uint64_t doc_items_bytes;
    bool doc_whole; /* SET: replaces the document; else SETRANGE writes from doc_offset on */
    /* error:<task_id>: empty = unchanged; error_clear deletes it */
    struct bytes error_doc;
    bool error_clear;
    /* ADMIT only */
    struct bytes spec;            /* immutable blob: the definition and the options */
    struct bytes input;           /* JSON. UPDATE: a new input; empty = it stays */
    struct shared *input_text;    /* all that input is; as doc_text */
    unix_ms created_at;           /* sort key in the list of tasks */
    struct bytes idempotency_key; /* 32 bytes or empty; kept while the task lives and
                                     idempotency_ttl_s longer */
    struct bytes body_hash;
    uint32_t idempotency_ttl_s; /* LIFE_END: how long the key outlives the task */
    bool idempotency_brief;     /* the key is kept for idempotency_ttl_s from the admission on,
                                   whatever becomes of the task */
    bool only_replay; /* only looks the idempotency key up: STORE_REPLAY or STORE_MISMATCH; where it
                         is not known, STORE_VERSION, or STORE_EXISTS where a task of this id is
                         alive */
    /* UPDATE: usage, added to the partition's sums by day, model and task type. These are kept for
     * USAGE_DAYS_MAX days, with at most USAGE_PAIRS_MAX pairs of model and task type a day */
    struct usage_part *usage;
    uint32_t usage_count;
    struct bytes usage_type;
    int32_t usage_day; /* days since 1970-01-01 UTC */
    /* The buffers in which long parts of the row's blobs, and values of its items, may lie: whoever
     * writes these may hold them beyond the call, instead of a copy. */
    struct lenders lenders;
};

/* ---- pipelines ---- */

/* A definition to be stored as the next version of its name, unless the newest version has this
 * hash. */
struct store_publish {
    uint64_t publish_id; /* echoed in the answer. 0: nobody waits for one; the store retries until
                            it is stored */
    struct bytes name, source;
    uint8_t hash[32];
    unix_ms at;
    struct bytes by; /* who stores it, trimmed on the left */
    /* For definitions from files: also not where an older version has this hash, so that a
     * coordinator's start does not undo a newer version that has replaced it. */
    bool unless_known;
};

enum publish_verdict {
    PUBLISH_CREATED,
    PUBLISH_SAME,     /* the newest version has this hash already */
    PUBLISH_NAMES,    /* there are PIPELINES_MAX names already */
    PUBLISH_VERSIONS, /* this name has PIPELINE_VERSIONS_MAX versions already */
    PUBLISH_FULL,     /* the store takes no new data */
    PUBLISH_UNKNOWN,  /* no answer: it may or may not be stored */
};

struct store_published {
    uint64_t publish_id;
    enum publish_verdict verdict;
    uint32_t version; /* CREATED, SAME: the newest version now */
};

struct stored_version {
    uint32_t version;
    struct bytes hash; /* hex */
    unix_ms at;
    struct bytes by;
};

enum store_verdict {
    STORE_OK,
    STORE_FENCED,   /* another fence is in force, or CLAIM found another record */
    STORE_VERSION,  /* UPDATE: the record has another version, or there is none: memory and store
                       differ */
    STORE_EXISTS,   /* ADMIT: the task is alive */
    STORE_REPLAY,   /* ADMIT: the idempotency key was used with the same body, for task_id */
    STORE_MISMATCH, /* ADMIT: the key was used with another body */
    STORE_FULL,     /* ADMIT: Redis is at maxmemory, nothing was written (other rows may pass) */
    STORE_GONE,     /* LIFE_REVIVE: the task has expired */
    STORE_UNKNOWN,  /* no answer: it may or may not be written */
};

/* What is worth saying of the store, beside up, down and the start gate: for whoever asks how this
 * coordinator is. */
enum store_remark {
    REMARK_AWAY,   /* why it cannot be reached */
    REMARK_FULL,   /* why it takes no new tasks; other rows are accepted */
    REMARK_UNSAFE, /* what it may lose by its settings, or which of these cannot be read; accepted
                      all the same */
    REMARK_COUNT
};

struct store_written {
    uint64_t write_id;
    enum store_verdict verdict;
    uint32_t run;         /* ADMIT, STORE_OK: the run of the task */
    struct bytes task_id; /* STORE_REPLAY */
};

enum read_kind {
    READ_OWNERS, /* all owner records */
    READ_LIVE,   /* a page of the live tasks of a partition */
    READ_TASK,   /* one task, alive or ended */
    READ_PARTS,  /* a task's input, and parts of its document */
    READ_EVENTS,
    READ_ITEMS,    /* a page of a step's items */
    READ_LIST,     /* newest tasks first */
    READ_DEAD,     /* newest dead letters first */
    READ_PIPELINE, /* the source of one version */
    READ_VERSIONS, /* of one pipeline, newest first */
    READ_PING,     /* nothing: a round trip */
    READ_USAGE,    /* what all tasks have used, by day, model and task type */
    READ_AUDIT,    /* whether tasks are stored as live ones should be, and a page of the live index;
                      all of it of one moment */
    READ_LIMITS,   /* no mere read: places in limits are taken, renewed, given back, in order */
};

struct byte_range {
    uint64_t offset;
    uint32_t len;
};

/* ---- limits ----
 * Shared by all coordinators, by the store's clock: a concurrency key has at most so many holders
 * at once, each with a lease; a rate key lets one pass per interval. */

enum limit_op_kind {
    LIMIT_TAKE,    /* takes both keys or none */
    LIMIT_RENEW,   /* the holder's lease begins anew, even if more than the limit hold the key: its
                      attempt lives */
    LIMIT_RELEASE, /* gives the place back, if the owner of this epoch took or renewed it last; else
                      does nothing */
};

struct limit_op {
    enum limit_op_kind kind;
    struct bytes key; /* of the concurrency; empty = none (TAKE) */
    uint32_t limit;   /* TAKE: most holders at once */
    /* identifies the attempt: taking again with the same name is no second place */
    struct bytes holder;
    /* of its partition: the next owner (a higher epoch) takes over this one's place */
    uint64_t epoch;
    struct bytes waiter;  /* TAKE: identifies who asks; one that is refused gets a place in line */
    uint32_t lease_ms;    /* TAKE, RENEW */
    uint32_t patience_ms; /* TAKE: for how long that place in line is kept after each refusal */
    struct bytes rate;    /* TAKE: of the rate; empty = none */
    uint64_t interval_us; /* TAKE: between two that may pass */
};

struct limit_answer {
    bool granted; /* TAKE */
    bool by_rate; /* refused by the rate, which lets one pass in wait_ms */
    uint32_t wait_ms;
};

struct store_read {
    enum read_kind kind;
    uint64_t read_id;
    partition_id partition;
    struct bytes task_id;
    struct bytes *ids; /* AUDIT: tasks of the partition, AUDIT_IDS_MAX at most */
    uint32_t id_count;
    uint64_t cursor; /* LIVE, AUDIT: 0 first, then the answer's, until that is 0; a task may come
                        twice */
    bool input;      /* PARTS */
    uint32_t step;   /* PARTS: of item; ITEMS */
    uint32_t item; /* PARTS: read the value of this item too (0 = none); ITEMS: first of the page */
    char marks[8]; /* ITEMS: only items with one of these marks; empty = all */
    bool items;    /* TASK: also read the items of its steps */
    struct byte_range *ranges; /* PARTS */
    uint32_t range_count;
    uint64_t after;              /* EVENTS: seq > after */
    uint32_t limit;              /* EVENTS, LIST, DEAD, ITEMS, VERSIONS */
    uint64_t partitions;         /* LIST, DEAD, USAGE: bit mask */
    int32_t first_day, last_day; /* USAGE: as in a row; at most USAGE_DAYS_MAX */
    unix_ms before;              /* LIST, DEAD: see model/message.h */
    struct bytes before_id;
    struct bytes name; /* PIPELINE, VERSIONS */
    uint32_t version;  /* PIPELINE: 0 = the newest; VERSIONS: only older ones than this, 0 = all */
    struct limit_op *limits; /* LIMITS */
    uint32_t limit_count;
};

#define AUDIT_IDS_MAX 128 /* tasks in one READ_AUDIT: about a millisecond of Redis */

/* How a task that should be live is stored. */
struct audit_entry {
    bool found, ended;
    bool listed;  /* it is in the live index of its partition */
    bool expires; /* one of its keys has a TTL */
    uint64_t version;
};

/* A task as it is stored. */
struct task_record {
    struct bytes task_id;
    uint64_t version;
    uint32_t run;
    struct bytes spec, head;
    struct step_blob *steps;
    uint32_t step_count;
    struct bytes dead;          /* DEAD: this and task_id only */
    struct stored_items *items; /* LIVE, and TASK with `items`: of the steps that have some */
    uint32_t items_count;
};

/* The answer to a read; borrowed for the call that delivers it. */
struct store_answer {
    enum read_kind kind;
    uint64_t read_id;
    enum err err; /* ERR_NOT_FOUND: no such task or pipeline; ERR_UNAVAILABLE: the store is away */
    struct owner_record *owners; /* OWNERS: PARTITION_COUNT of them */
    struct task_record *tasks;   /* LIVE, TASK (one), LIST (without steps), DEAD */
    uint32_t task_count;
    uint64_t cursor;            /* LIVE, AUDIT */
    struct audit_entry *audits; /* AUDIT: one per id */
    uint32_t audit_count;
    /* AUDIT: the partition's fence at that moment; epoch 0 where nobody owns it */
    struct fence fence;
    struct bytes *listed; /* AUDIT: ids of a page of the live index */
    uint32_t listed_count;
    struct bytes input;  /* PARTS */
    struct bytes *parts; /* PARTS: one per range, cut where the document ends */
    uint32_t part_count;
    struct bytes item; /* PARTS: value of the item asked for; empty where there is none */
    /* ITEMS: at most `limit` of them, and no more than ITEMS_PAGE_BYTES_MAX (but at least one) */
    struct stored_item *items;
    uint32_t items_count;
    uint32_t next_item;        /* ITEMS: where the next page begins; 0 = there are no more */
    struct event_blob *events; /* EVENTS, ascending */
    uint32_t event_count;
    uint64_t oldest_seq; /* EVENTS: seq of the oldest event kept, 0 where there is none */
    bool more;           /* LIST, DEAD, VERSIONS: there are older ones */
    struct bytes source; /* PIPELINE */
    uint32_t version;    /* PIPELINE */
    struct stored_version *versions; /* VERSIONS */
    uint32_t version_count;
    struct usage_group *usage; /* USAGE: the groups of each partition */
    uint32_t usage_count;
    struct limit_answer *limits; /* LIMITS: one per op; all zero, except for TAKE */
    uint32_t limit_count;
    /* The buffers in which long slices of the answer may lie: whoever sends or writes these slices
     * may hold them beyond the call. The core only passes them on. */
    struct lenders lenders;
};

#endif
