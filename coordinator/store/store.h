/* A store of tasks: the seam between the core and Redis (or memory). Two implementations with one
 * contract (tests/contract/store_test.c).
 *
 * All calls and callbacks are on the loop's thread. Writes and reads are queued and leave as one
 * batch at flush (the end of a turn: group commit), with at most two batches in flight. Answers
 * come by callback, never from within a call. Rows are applied in order, and each is answered with
 * one enum store_verdict. When the connection is lost, or an answer takes longer than deadline_ms,
 * all outstanding rows and reads are answered (STORE_UNKNOWN, ERR_UNAVAILABLE), then `down` is
 * called, once. `up` follows when there is a new connection, the start gate has passed (if the
 * settings can be read), and the function library is loaded. */
#ifndef MARATHON_STORE_STORE_H
#define MARATHON_STORE_STORE_H

#include "base/err.h"
#include "base/histogram.h"
#include "core/storage.h"
#include "loop/loop.h"

struct store_handler {
    void (*up)(void *user, const uint8_t secret[SECRET_BYTES]);
    void (*down)(void *user, const char *why);
    void (*written)(void *user, const struct store_written *written);
    void (*read)(void *user, const struct store_answer *answer);
    /* The start gate: why admissions must be refused (maxmemory policy, AOF off, ...), or NULL when
     * they may go on. Redis only. */
    void (*admission)(void *user, const char *why);
    /* The newest version of each stored pipeline: all before `up`, then after a publish, and within
     * a second after another process has published. May be called twice with the same one. */
    void (*pipeline)(void *user, struct bytes source, uint32_t version);
    void *user;
    /* May be NULL. A line for the operator's log, each text once until it changes: why there is no
     * connection yet, what the start gate found but lets pass. Redis only. */
    void (*note)(void *user, const char *text);
    /* May be NULL. The store's condition when it changes; "" = back to normal. Redis only. */
    void (*remark)(void *user, enum store_remark kind, const char *text);
    /* The answer to a publish with an id; `pipeline` was called before with what it stored. */
    void (*published)(void *user, const struct store_published *published);
};

/* Counters for /metrics. */
struct store_stats {
    struct histogram call; /* from sending a batch to its last answer */
    uint64_t rows_total, batches_total, reads_total;
    uint64_t reads_cached_total; /* those answered from the cache */
    uint64_t unknown_total;      /* rows whose outcome is unknown */
    uint64_t unconfirmed_total;  /* how often too few replicas confirmed a write */
    uint64_t connects_total;     /* how often the store came up */
    uint64_t masters_total; /* how often sentinels named another master, the first one included */
    uint64_t rows_waiting;  /* given and not answered */
    uint64_t reads_waiting; /* likewise */
    uint64_t batches_in_flight; /* sent, not answered */
};

struct store;

struct store_ops {
    const char *backend;                                          /* "redis" or "memory" */
    void (*write)(struct store *s, const struct store_row *row);  /* copied */
    void (*read)(struct store *s, const struct store_read *read); /* copied */
    void (*flush)(struct store *s);
    /* Copied. Without an id it is kept until there is a connection, also before the first `up`. */
    void (*publish)(struct store *s, const struct store_publish *p);
    struct store_stats (*stats)(const struct store *s);
    void (*destroy)(struct store *s);
};

struct store {
    const struct store_ops *ops;
};

struct tls_identity;

/* TLS settings for rediss://. Owned by the caller, for the life of the store; changes apply to
 * later connections. */
struct redis_tls {
    struct tls_identity *identity; /* from tls_client_load */
    /* the name that server certificates must have; NULL or "": the host dialled */
    const char *name;
};

struct store_redis_options {
    const char *url;      /* in a form of redis_url.h */
    const char *password; /* overrides the URL's; NULL or empty = not used */
    const char *sentinel_user, *sentinel_password; /* credentials for the sentinels, likewise */
    const struct redis_tls *tls;                   /* NULL: rediss:// is refused */
    mono_ms deadline_ms; /* an answer that takes longer is an unknown outcome; 0 = 1000 */
    bool relaxed;        /* MARATHON_DURABILITY=relaxed: AOF findings are warnings only */
    uint32_t replicas; /* how many must have a write before it counts as durable (WAIT); 0 = none */
};

/* Connects on the loop, again and again with a jittered back-off (10 ms to 1 s), and calls up and
 * down; so it does not fail if Redis is away. ERR_INVALID: the options are invalid, and ret_message
 * (static text) says why. */
enum err MUST_CHECK store_redis_create(struct loop *loop, const struct store_redis_options *options,
                                       struct store_handler handler, struct store **ret_store,
                                       const char **ret_message);
/* Did every connection attempt of a redis store so far fail with "connection refused" (or a missing
 * socket)? For MARATHON_STORE=auto. */
bool store_redis_refused(const struct store *s);
/* The start gate's finding for which the process must end with exit code 78, or NULL. Names the
 * redis.conf line to set. */
const char *store_redis_gate_fault(const struct store *s);

struct store *store_memory_create(struct loop *loop, struct store_handler handler);

#endif
