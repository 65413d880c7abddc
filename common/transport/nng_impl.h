/* Internals of transport_nng, shared only by its own files.
 *
 * Threads. nng runs callbacks on its own threads. They touch two things: the output of a connection
 * (under its lock), and the inbox, where each leaves a note for the loop's thread. Everything else
 * belongs to the loop's thread. send_urgent, called from any thread, looks a connection up and
 * starts its output under the table's lock; a connection leaves the table before it is torn down.
 *
 * Wake-ups. A read that has to wait wakes three threads: nng's poller, one of its tasks, and the
 * loop; each callback of a write wakes one. To avoid that, reads and writes are first tried
 * `at_once`, with an aio that has no callback: nng then does what the socket allows within the
 * call. An operation that does not complete there is cancelled and submitted again with a callback.
 * Reads go `at_once` as soon as the loop itself watches the connection's descriptor
 * (nng_descriptor.c), and writes then go directly to the descriptor, since nng takes no more than
 * eight slices per call. If the descriptor cannot be determined, nng keeps polling and writing.
 *
 * Teardown, always on the loop's thread: remove from the table; nng_stream_close, which completes
 * both aios; when both have reported, nng_aio_free twice, then nng_stream_free. Freeing in a
 * callback crashes nng.
 *
 * Lock order: table, output, inbox. */
#ifndef MARATHON_TRANSPORT_NNG_IMPL_H
#define MARATHON_TRANSPORT_NNG_IMPL_H

#include <nng/nng.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/map.h"
#include "base/rng.h"
#include "tls/channel.h"
#include "transport/input.h"
#include "transport/transport.h"

#define DIAL_FAULT_BYTES    192 /* one line for an operator */
#define DIAL_BACKOFF_MS_MIN 5
#define DIAL_STABLE_MS      10000 /* a connection that lived this long resets the back-off */
/* limit for one attempt, so that a host that drops packets is tried again */
#define DIAL_PATIENCE_MS 3000
/* pause after a refused certificate: it may be renewed meanwhile */
#define REFUSED_PAUSE_MS 2000
#define HANDSHAKE_MS_MAX 5000 /* TLS: a peer that has not identified itself by then is closed */
/* TLS: bound on accepted connections in a handshake, of some 50 KB each. Enough for a whole pool of
 * workers that reconnects at once. Beyond it the connection that has waited longest is closed, so
 * that strangers cannot keep the pool out. */
#define HANDSHAKES_MAX 1024u
/* strangers must not flood the log: at most one line per interval */
#define REFUSAL_LOG_MS 10000
/* after a failed accept: running out of descriptors must not cause a busy loop */
#define ACCEPT_BACKOFF_MS 10
/* Initial room of a new sheet at most: a lone small frame should not occupy much. */
#define SHEET_BYTES_AHEAD_MAX (16u << 10)

struct transport_nng;

/* One event that nng reports to the loop. Embedded in its owner; queued at most once at a time. */
struct note {
    struct note *next;
    struct note *prev;
    bool queued;
    loop_fn *fn;
    void *owner;
};

struct inbox {
    pthread_mutex_t lock;
    struct loop *loop;
    struct note *first;
    struct note *last;
    size_t count;
    bool woken; /* a drain is queued in the loop's mailbox */
};

void inbox_init(struct inbox *i, struct loop *l);
void inbox_free(struct inbox *i);
void inbox_put(struct inbox *i, struct note *n); /* any thread */
/* loop's thread; call before the owner is freed */
void inbox_forget(struct inbox *i, struct note *n);
/* loop's thread; handles the notes that were there when it began */
void inbox_drain(struct inbox *i);
void inbox_rescue(struct inbox *i); /* loop's thread; handles notes whose wake-up was lost */
bool inbox_asleep(struct inbox *i); /* the inbox is empty, and no drain is queued */

/* A double buffer: sends collect in `fill` while nng writes `flight`, its own bytes and lent ones
 * from where they lie. Over TLS `fill` is turned into records when it becomes the flight, after
 * those that the channel produced itself (`records`). Whoever sets `sending` owns the flight and
 * the aio until the aio reports. The report, on nng's thread, continues with what has collected
 * since, so that a stuck loop does not delay heartbeats. */
struct output {
    pthread_mutex_t lock;
    nng_aio *aio;
    nng_aio *at_once; /* has no callback; belongs to whoever owns the flight */
    struct sheet *fill;
    struct sheet *flight;
    struct buf records;          /* handshake, alerts and key changes; always empty without TLS */
    struct tls_channel *channel; /* NULL: plain */
    struct slices_place flight_sent;
    bool sending;
    bool closed;       /* nothing may be started any more */
    bool tell_if_idle; /* the loop wants a note when everything is written */
};

struct nng_conn {
    conn_id id;
    struct transport_nng *t;
    nng_stream *stream;
    struct transport_handler handler;
    uint32_t dialer; /* 0: accepted */
    /* `opened` was called; over TLS only after the peer has proved that it is one of us */
    bool opened;
    struct secure *secure; /* NULL: plain */

    nng_aio *recv_aio;
    bool receiving; /* a receive is armed, or its note is not handled yet */
    nng_aio *recv_at_once;
    /* Owned by nng, which closes it with the stream. -1: unknown, then nng's poller watches and nng
     * writes. Set by the loop's thread. */
    _Atomic int fd;
    struct loop_watch *watch; /* of fd, or NULL */
    bool looked_for;          /* the descriptor was searched for; done once */
    struct input in;
    struct note received;

    struct output out;
    struct note sent;

    bool closed; /* not in the table any more; `closed` was or will be called */
    bool closed_told;
    enum transport_closed why;
    struct note gone;

    bool dirty; /* in the transport's list of connections with new output in this turn */
    struct nng_conn *dirty_next;
    struct nng_conn *next;
    struct nng_conn *prev;
};

/* Additional state of a connection over TLS; its channel is in the output. */
struct secure {
    uint8_t *came; /* the receive buffer */
    size_t cap;
    struct loop_timer *patience; /* NULL once the handshake is over */
    bool refused;                /* by either side, for a reason that a retry does not cure */
};

/* Where a stream came from. */
struct conn_origin {
    uint32_t dialer; /* 0: accepted */
    bool secure;
    const char *peer; /* dialled over TLS: the name that the peer's certificate must have */
    struct transport_handler handler;
};

struct nng_listening {
    struct transport_nng *t;
    bool secure;
    nng_stream_listener *listener;
    nng_aio *aio;
    struct note accepted;
    struct loop_timer *again;
    bool accepting;
    bool failing; /* the previous accept failed too */
    struct transport_handler handler;
    struct nng_listening *next;
};

struct nng_dialing {
    struct transport_nng *t;
    uint32_t number;
    char *url;
    char *peer; /* over TLS: the name that the peer's certificate must have; NULL: plain */
    nng_stream_dialer *dialer;
    nng_aio *aio;
    struct note dialed;
    struct loop_timer *again;
    bool dialing;
    bool stopped;
    mono_ms backoff_ms;
    mono_ms opened_at;
    char fault[DIAL_FAULT_BYTES]; /* reason of the last failure; "" = none */
    struct transport_handler handler;
    struct nng_dialing *next;
};

struct transport_nng {
    struct transport base; /* first member: a transport is its transport_nng */
    struct loop *loop;
    mono_ms dial_backoff_ms_max;
    struct rng rng; /* for jitter */
    struct inbox inbox;

    pthread_mutex_t table_lock; /* held to change the table, and by other threads to read it */
    struct map table;           /* the open connections, by id */
    struct nng_conn *conns;     /* all connections, including those being torn down */
    struct nng_conn *dirty;
    struct nng_listening *listenings;
    struct nng_dialing *dialings;
    uint32_t dialer_last;

    struct tls_identity *identity; /* NULL: no TLS */
    size_t shaking;                /* accepted connections in a handshake */
    uint64_t handshakes, refusals, pushed_out;
    uint64_t refusals_told; /* already reported in the log */
    mono_ms refusal_told_at;

    bool stopping;
    struct loop_timer *flush_timer;
    loop_fn *stopped;
    void *stopped_user;
};

/* nng_output.c. Any thread; the caller guarantees that the connection stays. */
void output_init(struct nng_conn *c);
void output_free(struct nng_conn *c);
enum err MUST_CHECK output_add(
    struct nng_conn *c, const struct slices *framed); /* ERR_FULL; ERR_NOT_FOUND once closed */
/* The same, and ERR_TOO_LARGE. Encodes under the lock, so nng's thread may wait for that long.
 * ret_frame NULL: the frame is not held. */
enum err MUST_CHECK output_add_message(struct nng_conn *c, const struct message *m,
                                       struct lenders *lenders, struct held_frame *ret_frame);
void output_start(struct nng_conn *c);
bool output_idle_or_tell(struct nng_conn *c); /* false: the note `sent` follows when idle */
void output_close(struct nng_conn *c);

/* nng_descriptor.c: -1 if it is not certain. The descriptor stays nng's. */
int conn_descriptor(struct nng_conn *c);

/* nng_conn.c */
void conn_open(struct transport_nng *t, nng_stream *stream, const struct conn_origin *origin);
void conn_tell_opened(struct nng_conn *c); /* calls `opened` */
struct nng_conn *conn_find(struct transport_nng *t, conn_id id);
void conn_shut(struct nng_conn *c,
               enum transport_closed why); /* `closed` is called in a later turn */
void conn_reap(struct nng_conn *c);        /* frees it once nothing refers to it */
/* Hands out all whole frames after so many bytes were received into its input. False: garbage. */
bool conn_deliver(struct nng_conn *c, size_t received);

/* nng_secure.c, for TLS. begin: before the first receive; take: handles received bytes, false if
 * the connection is closed by now; end: when it leaves the table; free: with the connection. */
void secure_begin(struct nng_conn *c, const char *peer);
bool secure_take(struct nng_conn *c, size_t count);
void secure_end(struct nng_conn *c);
void secure_free(struct nng_conn *c);

/* nng_listen.c, nng_dial.c */
enum err MUST_CHECK listening_open(struct transport_nng *t, const char *url,
                                   struct transport_handler handler);
void listening_close(struct nng_listening *l);
enum err MUST_CHECK dialing_open(struct transport_nng *t, const char *url,
                                 struct transport_handler handler, uint32_t *ret_dialer);
void dialing_stop(struct nng_dialing *d);
/* Its connection has closed: dials again; if it was refused, only after a pause. */
void dialing_conn_gone(struct transport_nng *t, uint32_t number, bool refused);
struct nng_dialing *dialing_find(struct transport_nng *t, uint32_t number);
/* Keeps the reason. Does nothing if number is 0 or no longer exists. */
void dialing_failed(struct transport_nng *t, uint32_t number, const char *why);

/* A new aio. Dies if there is no memory, its only way to fail. fn NULL: no callback. */
nng_aio *aio_new(void (*fn)(void *), void *arg);
/* Call after a send or receive with an aio without a callback. True if it has completed, well or
 * not; false if it would have had to wait, and was cancelled without any effect. */
bool aio_ended_at_once(nng_aio *aio);

/* nng_url.c: translates our URLs to nng's. */
struct place {
    bool secure;
    char *url;  /* in nng's form */
    char *peer; /* over TLS: the name that the certificate must have */
};
enum err MUST_CHECK place_read(const char *url, struct place *ret_place);
void place_free(struct place *p);

#endif
