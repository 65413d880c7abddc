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

/* The right to write to a partition. A stale one is refused. */
struct fence {
    uint64_t epoch;
    uint8_t nonce[NONCE_BYTES];
};

struct owner_record {
    bool unseen; /* that part of the store is away: nothing is known of it, and all else is zero */
    bool exists; /* false: the partition was never owned; epoch 0 */
    struct fence fence;
    struct bytes owner; /* name of the coordinator; empty: handed over, free to claim */
    bool wished;        /* another coordinator asks for it, to have its share; a claim ends that */
    uint8_t wish[NONCE_BYTES]; /* its nonce: where owner is empty, the others leave it to that one
                                  for a lease */
    uint64_t beat;             /* bumped by each renewal */
};

enum row_kind {
    ROW_CLAIM,   /* compare-and-set of a partition's owner record */
    ROW_RENEW,   /* bumps the beat */
    ROW_RELEASE, /* empties owner; epoch and nonce stay, so that the old fence is refused from then
                    on as for a stranger */
    ROW_WISH,    /* asks the owner that was seen to hand the partition over to claim.nonce */
    ROW_ADMIT,   /* a new task, or a fresh run of an ended one */
    ROW_UPDATE,  /* a change of a task */
    ROW_UNLIST,  /* takes a task out of the live index, where its record is gone or has ended */
};

enum row_life {
    LIFE_KEEP, /* the task goes on living (or goes on being ended) */
    LIFE_END,  /* it ends: the TTL starts on all its keys, it leaves the live index, its document is
                  written compactly */
    LIFE_REVIVE, /* it lives again: PERSIST on all its keys, back into the live index. STORE_GONE
                    where the TTL has passed */
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
 * They are kept apart from the record, so that a change of one costs its own size. Of each: the
 * value that it is for, a blob, a result. */

/* The first byte of an item's blob. */
enum item_mark {
    ITEM_WAITING = 'w', /* of one without a blob */
    ITEM_BEGUN = 'b',   /* it waits for its next attempt, or has saved a progress checkpoint */
    ITEM_DONE = 'd',
    ITEM_FAILED = 'f',
    ITEM_CANCELLED = 'x',
};

enum items_change_kind {
    ITEMS_MAKE,  /* the step has these items and no others; they wait */
    ITEMS_PUT,   /* the blob of one item, and its result where there is one */
    ITEMS_AGAIN, /* those that are not done wait again, as if they had never been begun */
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

/* As they are read with a record. */
struct stored_items {
    uint32_t step;
    struct bytes marks;        /* one for each item */
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
    struct fence fence; /* the fence to check; CLAIM, WISH: the record that was seen */
    /* CLAIM */
    bool claim_absent;  /* true: only if there is no record */
    struct fence claim; /* the new fence */
    struct bytes owner; /* name */
    /* ADMIT and UPDATE */
    struct bytes task_id;
    uint64_t version; /* UPDATE: the record's version before this row; the row makes it version + 1.
                         ADMIT makes it 1 */
    /* UPDATE: what else the record has before this row, all of it checked like the version: the
     * newest event's seq, and how long the document is (as rows have left it: the white space that
     * the end of a task takes away counts). */
    uint64_t stored_seq, stored_doc_bytes;
    struct bytes head;      /* the task-level blob */
    struct row_step *steps; /* changed steps (a step without a blob is fresh) */
    uint32_t step_count;
    struct row_event *events;
    uint32_t event_count;
    struct items_change *items; /* carried out in their order, before the document is written */
    uint32_t items_count;
    enum row_life life;
    uint32_t ttl_s; /* LIFE_END; RENEW: names of tasks that are gone leave the list, at the earliest
                       so long after the task's creation */
    /* LIFE_END: the task has failed by a step that killed its workers. The blob joins the
     * partition's index of dead letters; it leaves with the task's revival, a fresh run, and the
     * TTL. Empty = none. */
    struct bytes dead;
    unix_ms dead_at; /* place in that index */
    /* the checkpoint document: three parts that are written one behind the other at doc_offset; all
     * empty = unchanged */
    uint64_t doc_offset;
    struct bytes doc[3];
    struct shared *doc_text; /* all that doc[0] and doc[1] are, where the store may keep it in place
                                of a copy of its own; NULL: none */
    /* Index + 1 of a step: the store puts its items' results together as doc[1], an array with null
     * where an item has none. doc_items_bytes is its length: another one is STORE_VERSION. */
    uint32_t doc_items;
    uint64_t doc_items_bytes;
    bool doc_whole; /* replaces the document (SET) instead of overwriting its tail (SETRANGE) */
    /* error:<task_id>: empty = unchanged; error_clear deletes it */
    struct bytes error_doc;
    bool error_clear;
    /* ADMIT only */
    struct bytes spec;            /* immutable blob: definition, options */
    struct bytes input;           /* JSON. UPDATE: replaces it; empty = it stays */
    unix_ms created_at;           /* place in the list of tasks */
    struct bytes idempotency_key; /* 32 bytes or empty; kept while the task lives, and on */
    struct bytes body_hash;
    uint32_t idempotency_ttl_s; /* LIFE_END: how long the key outlives the task */
    bool idempotency_brief;     /* kept for idempotency_ttl_s from the admission on, and no longer,
                                   whatever becomes of the task */
    bool only_replay;           /* admits nothing: REPLAY, MISMATCH, or the key is not known:
                                   VERSION, EXISTS where a task of this id is alive */
    /* UPDATE: what was used, for the sums over all tasks of the partition by day, model and task
     * type: kept for USAGE_DAYS_MAX days, USAGE_PAIRS_MAX pairs of the latter two a day */
    struct usage_part *usage;
    uint32_t usage_count;
    struct bytes usage_type;
    int32_t usage_day; /* since 1970-01-01 UTC */
    /* In which long parts of its blobs, and values of its items, may lie: who is to write them may
     * hold these beyond the call, in place of a copy. */
    struct lenders lenders;
};

/* ---- pipelines ---- */

/* A definition to be stored as the next version of its name, unless the newest has this hash. */
struct store_publish {
    uint64_t publish_id; /* echoed in the answer. 0: nobody waits for one; it is kept and tried
                            until it is stored */
    struct bytes name, source;
    uint8_t hash[32];
    unix_ms at;
    struct bytes by; /* who stores it, without blanks in front */
    /* A file's: nor where an older version has this hash. What has replaced it since is not undone
     * by the next start of a coordinator. */
    bool unless_known;
};

enum publish_verdict {
    PUBLISH_CREATED,
    PUBLISH_SAME,     /* the newest version is equal */
    PUBLISH_NAMES,    /* PIPELINES_MAX names are there */
    PUBLISH_VERSIONS, /* this one has PIPELINE_VERSIONS_MAX versions */
    PUBLISH_FULL,     /* the store takes no new data */
    PUBLISH_UNKNOWN,  /* no answer: stored or not */
};

struct store_published {
    uint64_t publish_id;
    enum publish_verdict verdict;
    uint32_t version; /* CREATED, SAME: the newest one now */
};

struct stored_version {
    uint32_t version;
    struct bytes hash; /* hex */
    unix_ms at;
    struct bytes by;
};

enum store_verdict {
    STORE_OK,
    STORE_FENCED,  /* another fence is in force, or CLAIM found another record */
    STORE_VERSION, /* UPDATE: the record has another version (or none): what is in memory is not
                      what is stored */
    STORE_EXISTS,  /* ADMIT: the task is alive */
    STORE_REPLAY,  /* ADMIT: the idempotency key was used with the same body; task_id says for which
                      task */
    STORE_MISMATCH, /* ADMIT: the key was used with another body */
    STORE_FULL, /* at maxmemory, nothing was written (ADMIT only: other rows may pass maxmemory) */
    STORE_GONE, /* REVIVE: expired */
    STORE_UNKNOWN, /* no answer: written or not */
};

/* How the store is, beside up, down and the start gate: for whoever asks how this coordinator is.
 */
enum store_remark {
    REMARK_AWAY,   /* why it is not up */
    REMARK_FULL,   /* it takes no new tasks, and why; others' rows pass */
    REMARK_UNSAFE, /* what it may lose, or what cannot be seen of that: let pass */
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
    READ_PARTS,  /* its input and parts of its document */
    READ_EVENTS,
    READ_ITEMS,    /* a page of a step's items */
    READ_LIST,     /* newest tasks first */
    READ_DEAD,     /* newest dead letters first */
    READ_PIPELINE, /* the source of one version */
    READ_VERSIONS, /* of one pipeline, newest first */
    READ_PING,     /* a real round trip */
    READ_USAGE,    /* what all tasks have used, by day, model and task type */
    READ_AUDIT,    /* does the store hold tasks as a live one should be held; and a page of the live
                      index. One moment: all of it is read at once */
    READ_LIMITS,   /* not only a read: keys of limits are taken, kept and given back, in their
                      order */
};

struct byte_range {
    uint64_t offset;
    uint32_t len;
};

/* ---- limits ----
 * What all coordinators share: a key with at most so many holders at once, each with a lease; a
 * rate with so much time between two that may pass. By the store's clock. */

enum limit_op_kind {
    LIMIT_TAKE,    /* all that is asked for, or nothing */
    LIMIT_RENEW,   /* the holder's lease begins anew, however many there are: its attempt lives */
    LIMIT_RELEASE, /* by the owner who has taken it last, else nothing */
};

struct limit_op {
    enum limit_op_kind kind;
    struct bytes key;     /* with holders; empty = none (TAKE) */
    uint32_t limit;       /* TAKE: holders at once */
    struct bytes holder;  /* names the attempt: the same again is the same holder */
    uint64_t epoch;       /* of its partition: the next owner (epoch + 1) has what this one had */
    struct bytes waiter;  /* TAKE: who asks; where it is refused it has its place in line */
    uint32_t lease_ms;    /* TAKE, RENEW */
    uint32_t patience_ms; /* TAKE: the place is kept for so long after each refusal */
    struct bytes rate;    /* TAKE: key of a rate; empty = none */
    uint64_t interval_us; /* TAKE: between two of it */
};

struct limit_answer {
    bool granted; /* TAKE */
    bool by_rate; /* not granted: by the rate, which lets one pass in wait_ms */
    uint32_t wait_ms;
};

struct store_read {
    enum read_kind kind;
    uint64_t read_id;
    partition_id partition;
    struct bytes task_id;
    struct bytes *ids; /* AUDIT: tasks of the partition, AUDIT_IDS_MAX at most */
    uint32_t id_count;
    uint64_t cursor; /* LIVE, AUDIT: 0 first, then the answer's until that is 0 again; a task may
                        come twice */
    bool input;      /* PARTS */
    uint32_t step;   /* PARTS: of item; ITEMS */
    uint32_t item;   /* PARTS: the value of this one (0 = none); ITEMS: from this one on */
    char marks[8];   /* ITEMS: only items with one of these; empty = all */
    bool items;      /* TASK: with the items of its steps */
    struct byte_range *ranges; /* PARTS */
    uint32_t range_count;
    uint64_t after;              /* EVENTS: seq > after */
    uint32_t limit;              /* EVENTS, LIST, DEAD, ITEMS, VERSIONS */
    uint64_t partitions;         /* LIST, DEAD, USAGE: bit mask */
    int32_t first_day, last_day; /* USAGE: as in a row; at most USAGE_DAYS_MAX */
    unix_ms before;              /* LIST, DEAD: see model/message.h */
    struct bytes before_id;
    struct bytes name;       /* PIPELINE, VERSIONS */
    uint32_t version;        /* PIPELINE: 0 = the newest; VERSIONS: older than this one, 0 = all */
    struct limit_op *limits; /* LIMITS */
    uint32_t limit_count;
};

#define AUDIT_IDS_MAX 128 /* tasks in one READ_AUDIT: about a millisecond of Redis */

/* How the store holds a task that should be live. */
struct audit_entry {
    bool found, ended;
    bool listed;  /* in the live index of its partition */
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
    struct bytes dead;          /* DEAD only, and nothing else but task_id there */
    struct stored_items *items; /* LIVE, and TASK where asked for: of the steps that have some */
    uint32_t items_count;
};

/* Borrowed for the call that delivers it. */
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
    struct fence fence;   /* AUDIT: the partition's in that moment; epoch 0 where nobody owns it */
    struct bytes *listed; /* AUDIT: ids of a page of the live index */
    uint32_t listed_count;
    struct bytes input;  /* PARTS */
    struct bytes *parts; /* PARTS: one per range, shorter where the document ends */
    uint32_t part_count;
    struct bytes item; /* PARTS: its value; empty where there is none */
    /* ITEMS: at most limit of them, and (but for the first) no more than ITEMS_PAGE_BYTES_MAX */
    struct stored_item *items;
    uint32_t items_count;
    uint32_t next_item;        /* ITEMS: the first that was not looked at; 0 = there are no more */
    struct event_blob *events; /* EVENTS, ascending */
    uint32_t event_count;
    uint64_t oldest_seq;             /* EVENTS: of the oldest event kept, 0 where there is none */
    bool more;                       /* LIST, DEAD, VERSIONS: there are older ones */
    struct bytes source;             /* PIPELINE */
    uint32_t version;                /* PIPELINE */
    struct stored_version *versions; /* VERSIONS */
    uint32_t version_count;
    struct usage_group *usage; /* USAGE: of each partition */
    uint32_t usage_count;
    struct limit_answer *limits; /* LIMITS: one for each, zero but for TAKE */
    uint32_t limit_count;
    /* In which long slices of it may lie: who is to send or write them may hold these beyond the
     * call. To the core they are no part of the answer: it only passes them on. */
    struct lenders lenders;
};

#endif
