/* The world of a store under test: a loop that flushes at the end of each turn, as the
 * coordinator's does, and a record of everything that the store has said. */
#ifndef MARATHON_TESTS_STORE_WORLD_H
#define MARATHON_TESTS_STORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "redis_certs.h"
#include "redis_cluster.h"
#include "redis_server.h"
#include "store/store.h"

#define WRITES_MAX 4096

struct heard_write {
    bool heard;
    enum store_verdict verdict;
    uint32_t run;
    char task_id[ID_BYTES_MAX + 1];
};

/* What the store holds of a task, as far as rows say it: the next row must say the same. */
struct stored {
    char task_id[ID_BYTES_MAX + 1];
    uint64_t seq, doc_bytes;
};

struct lent_text;

struct world {
    struct loop *loop;
    struct store *store;
    struct redis_server *server; /* NULL: the store in memory, or on a cluster */
    struct redis_cluster *cluster;
    struct loop_timer *patience;
    uint64_t next_id; /* of writes and reads */
    int ups, downs;
    uint8_t secret[SECRET_BYTES];
    char why[256]; /* of the last down */
    int admissions;
    char admission[256]; /* "" = open */
    char note[256];
    char remarks[REMARK_COUNT][512];
    struct heard_write writes[WRITES_MAX]; /* by write_id */
    struct stored *stored;
    size_t stored_count, stored_cap;
    struct arena arena;         /* of the last answer, and of what tests make */
    struct store_answer answer; /* the last one, copied */
    struct lent_text *lent;     /* slices of all answers, held where they lie */
    size_t lent_count, lent_cap;
    uint32_t answers;
    uint32_t pipelines;
    char pipeline[256];
    uint32_t pipeline_version;
    uint32_t publishes; /* answers */
    struct store_published published;
    bool inside; /* one of our calls into the store: nothing may be told meanwhile */
    bool owned[PARTITION_COUNT];
    struct fence fence; /* with which world_own claims */
    /* what is being waited for */
    bool (*done)(const struct world *w, uint64_t what);
    uint64_t what;
    bool gave_up;
};

/* A world with a store in memory, or (server) on Redis; waits for its first `up`. */
struct world *world_create(struct redis_server *server);
/* The same without the wait, with other options. */
struct world *world_create_with(struct redis_server *server,
                                const struct store_redis_options *options);
struct world *world_create_on_cluster(struct redis_cluster *cluster);
void world_destroy(struct world *w);
/* store_answer.c */
void world_copy_answer(struct world *w, const struct store_answer *a);
void world_check_lent(struct world *w); /* when the store is gone */

/* Runs the loop until done(w, what); fails the test after 10 s. */
void world_wait(struct world *w, bool (*done)(const struct world *w, uint64_t what), uint64_t what);
void world_wait_ups(struct world *w, int ups);
void world_wait_downs(struct world *w, int downs);
/* Runs the loop for so long. */
void world_pass(struct world *w, mono_ms ms);

/* Queues; the id of the write or read. */
uint64_t world_write(struct world *w, struct store_row row);
uint64_t world_ask(struct world *w, struct store_read read);
/* Queues, waits, gives what was heard. */
const struct heard_write *world_written(struct world *w, struct store_row row);
enum store_verdict world_verdict(struct world *w, struct store_row row);
const struct store_answer *world_read(struct world *w, struct store_read read);
bool write_heard(const struct world *w, uint64_t id);

/* Without an id, as of a file: nobody waits for an answer. The hash is of this byte only. */
void world_publish(struct world *w, const char *name, const char *source, uint8_t hash);
/* With one; waits for the answer. */
struct store_published world_published(struct world *w, const char *name, const char *source,
                                       uint8_t hash);
bool world_pipelines_reached(const struct world *w, uint64_t what);

/* Claims the task's partition where the world has not yet. */
void world_own(struct world *w, const char *task_id);

/* Rows with the world's fence; the partition is owned first. */
struct store_row row_admit(struct world *w, const char *task_id);
struct store_row row_update(struct world *w, const char *task_id, uint64_t version);
struct store_row row_end(struct world *w, const char *task_id, uint64_t version);
struct store_row row_claim(partition_id p, struct fence claim, const char *owner);
struct fence fence_of(uint64_t epoch, uint8_t nonce);

struct store_read read_task(const char *task_id);
/* The whole document, by READ_PARTS. */
struct bytes world_doc(struct world *w, const char *task_id);

void assert_bytes(struct bytes b, const char *expected);

#endif
