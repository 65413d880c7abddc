/* A store of tasks: the seam between the core and Redis (or memory). Two implementations, one
 * contract (tests/contract/store_test.c).
 *
 * All calls and callbacks on the loop's thread. Writes and reads are queued and leave as one batch
 * at flush (the end of a turn: group commit), at most two batches in flight; answers come by
 * callback, never from within a call of ours. Rows are applied in order; each answer is exactly one
 * of enum store_verdict. When the connection is lost, or an answer takes longer than deadline_ms,
 * every row and read not yet answered is answered (STORE_UNKNOWN, ERR_UNAVAILABLE), then `down` is
 * called, once; `up` follows after a new connection, the start gate (where that can be seen) and
 * the function library are in place. */
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
    /* The start gate: why admissions must be refused (maxmemory policy, AOF off, ...), NULL when
     * they may go on. Redis only. */
    void (*admission)(void *user, const char *why);
    /* Each stored pipeline, newest version of each name, before `up`, after a publish, and within a
     * second where another process has published. May come twice. */
    void (*pipeline)(void *user, struct bytes source, uint32_t version);
    void *user;
    /* May be NULL. Something for an operator's log, each text once until it changes: why there is
     * no connection yet, what the start gate found but lets pass. Redis only. */
    void (*note)(void *user, const char *text);
    /* May be NULL. How it is, as it changes; "" = that is over. Redis only. */
    void (*remark)(void *user, enum store_remark kind, const char *text);
    /* The answer to a publish with an id; what it stored was told by `pipeline` before. */
    void (*published)(void *user, const struct store_published *published);
};

/* What it has done so far, for /metrics. */
struct store_stats {
    struct histogram call; /* from a batch's sending to its last answer */
    uint64_t rows_total, batches_total, reads_total;
    uint64_t reads_cached_total; /* of them without a round trip */
    uint64_t unknown_total;      /* rows whose outcome was never heard */
    uint64_t unconfirmed_total;  /* times that too few replicas confirmed what was written */
    uint64_t connects_total;     /* times that it came up */
    uint64_t masters_total;      /* times that sentinels named another master, the first included */
    uint64_t rows_waiting;       /* given, not answered */
    uint64_t reads_waiting;      /* likewise */
    uint64_t batches_in_flight;  /* sent, not answered */
};

struct store;

struct store_ops {
    const char *backend;                                          /* "redis", "memory" */
    void (*write)(struct store *s, const struct store_row *row);  /* copied */
    void (*read)(struct store *s, const struct store_read *read); /* copied */
    void (*flush)(struct store *s);
    /* Copied. Without an id it waits for a connection, also before the first `up`. */
    void (*publish)(struct store *s, const struct store_publish *p);
    struct store_stats (*stats)(const struct store *s);
    void (*destroy)(struct store *s);
};

struct store {
    const struct store_ops *ops;
};

struct tls_identity;

/* How rediss:// is spoken. Kept by whoever makes the store, for as long as that lives; what is
 * changed here counts for connections from then on. */
struct redis_tls {
    struct tls_identity *identity; /* of tls_client_load */
    const char *name; /* that servers' certificates must have instead of the host; NULL, "": none */
};

struct store_redis_options {
    const char *url;                               /* redis_url.h says what it may be */
    const char *password;                          /* overrides the URL's; NULL or empty = none */
    const char *sentinel_user, *sentinel_password; /* what sentinels want to know, likewise */
    const struct redis_tls *tls;                   /* NULL: none, and rediss:// is refused */
    mono_ms deadline_ms; /* 1000: an answer that takes longer is an unknown outcome */
    bool relaxed;        /* MARATHON_DURABILITY=relaxed: AOF findings are warnings */
    uint32_t replicas;   /* that must have a write before it counts as durable: WAIT; 0 */
};

/* Never fails at once: it connects on the loop, again and again with a jittered back-off (10 ms to
 * 1 s), and calls up and down. ERR_INVALID: the URL cannot be understood; ret_message says why
 * (static text). */
enum err MUST_CHECK store_redis_create(struct loop *loop, const struct store_redis_options *options,
                                       struct store_handler handler, struct store **ret_store,
                                       const char **ret_message);
/* Did the last connection attempts of a redis store fail with "connection refused" (or a missing
 * socket) only? For MARATHON_STORE=auto. */
bool store_redis_refused(const struct store *s);
/* The start gate's first verdict that must end the process with exit 78, or NULL: names the
 * redis.conf line to set. */
const char *store_redis_gate_fault(const struct store *s);

struct store *store_memory_create(struct loop *loop, struct store_handler handler);

#endif
