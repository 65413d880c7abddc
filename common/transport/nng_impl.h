/* Inside of transport_nng: shared by its own files only.
 *
 * Threads. nng runs callbacks on threads of its own. They touch two things: the output of a
 * connection (under its lock), and the inbox, where each leaves a note for the loop's thread.
 * Everything else is the loop's. send_urgent, from any thread, looks a connection up and starts its
 * output under the table's lock; a connection leaves the table before it is taken apart.
 *
 * Wake-ups. A read that waits costs three threads a wake-up each: nng's poller, one of its tasks,
 * the loop; and each callback of a write costs one. So both are tried `at_once`, with an aio that
 * has no callback: nng does what the socket allows within the call. A write that does not end there
 * is taken back and given out again with the callback. Reads go that way once the loop itself
 * watches the connection's descriptor (nng_descriptor.c), and writes go to it directly, since nng
 * takes no more than eight slices at once; where it cannot be told, the poller stays, and nng
 * writes.
 *
 * Taking apart, always on the loop's thread: out of the table, nng_stream_close (which completes
 * both aios), and when both have reported: nng_aio_free twice, nng_stream_free. Freed in a
 * callback, nng crashes.
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
#define DIAL_PATIENCE_MS    3000  /* for one attempt: a host that swallows packets is tried again */
#define REFUSED_PAUSE_MS    2000  /* a certificate that was refused: it may be renewed meanwhile */
#define HANDSHAKE_MS_MAX    5000  /* TLS: a peer that has not shown by then who it is, is closed */
/* TLS: accepted connections in a handshake, each of some 50 KB: a pool that comes back at once.
 * Beyond it the one that has waited longest is closed, so that strangers cannot keep a pool out. */
#define HANDSHAKES_MAX    1024u
#define REFUSAL_LOG_MS    10000 /* strangers must not fill the log: a line each so often */
#define ACCEPT_BACKOFF_MS 10    /* after an accept that failed: out of descriptors must not spin */
/* Room that a new sheet has at first: a lone small frame should not hold much */
#define SHEET_BYTES_AHEAD_MAX (16u << 10)

struct transport_nng;

/* One thing that nng has to tell the loop. Lies in its owner; queued at most once at a time. */
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
    bool woken; /* a drain is on its way through the loop's mailbox */
};

void inbox_init(struct inbox *i, struct loop *l);
void inbox_free(struct inbox *i);
void inbox_put(struct inbox *i, struct note *n);    /* any thread */
void inbox_forget(struct inbox *i, struct note *n); /* loop; for an owner that goes */
void inbox_drain(struct inbox *i);  /* loop; the notes that were there when it began */
void inbox_rescue(struct inbox *i); /* loop; drains what no wake-up came for */
bool inbox_asleep(struct inbox *i); /* nothing in it, and no drain on its way */

/* A double buffer: sends gather in `fill` while nng writes `flight`, own bytes and lent ones as
 * they lie. Over TLS `fill` becomes records when it takes off, behind those that the channel made
 * of itself (`records`). Who sets `sending` owns the flight and the aio until the aio reports; the
 * report goes on with what has gathered, on nng's thread, so that a stuck loop does not hold beats
 * back. */
struct output {
    pthread_mutex_t lock;
    nng_aio *aio;
    nng_aio *at_once; /* without a callback; of whoever owns the flight */
    struct sheet *fill;
    struct sheet *flight;
    struct buf records;          /* handshake, alerts, changes of keys; without TLS always empty */
    struct tls_channel *channel; /* NULL: plain */
    struct slices_place flight_sent;
    bool sending;
    bool closed;       /* nothing may start any more */
    bool tell_if_idle; /* the loop wants a note when all is out */
};

struct nng_conn {
    conn_id id;
    struct transport_nng *t;
    nng_stream *stream;
    struct transport_handler handler;
    uint32_t dialer;       /* 0: accepted */
    bool opened;           /* told; over TLS only when the peer has shown that it is one of us */
    struct secure *secure; /* NULL: plain */

    nng_aio *recv_aio;
    bool receiving; /* armed, or its note not yet handled */
    nng_aio *recv_at_once;
    /* nng's, which closes it with the stream; -1: not known, then nng's poller watches, and nng
     * writes. The loop sets it. */
    _Atomic int fd;
    struct loop_watch *watch; /* of fd, or NULL */
    bool looked_for;          /* the descriptor was; once is enough */
    struct input in;
    struct note received;

    struct output out;
    struct note sent;

    bool closed; /* out of the table; `closed` is or will be told */
    bool closed_told;
    enum transport_closed why;
    struct note gone;

    bool dirty; /* in the transport's list of those with new output in this turn */
    struct nng_conn *dirty_next;
    struct nng_conn *next;
    struct nng_conn *prev;
};

/* What a connection over TLS has besides; its channel is the output's. */
struct secure {
    uint8_t *came; /* what is received into */
    size_t cap;
    struct loop_timer *patience; /* NULL once the handshake is over */
    bool refused;                /* by either side, for a reason that time does not mend */
};

/* How a stream came about. */
struct conn_origin {
    uint32_t dialer; /* 0: accepted */
    bool secure;
    const char *peer; /* dialled over TLS: the name that its certificate must have */
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
    bool failing; /* the accept before failed too */
    struct transport_handler handler;
    struct nng_listening *next;
};

struct nng_dialing {
    struct transport_nng *t;
    uint32_t number;
    char *url;
    char *peer; /* over TLS: the name that its certificate must have; NULL: plain */
    nng_stream_dialer *dialer;
    nng_aio *aio;
    struct note dialed;
    struct loop_timer *again;
    bool dialing;
    bool stopped;
    mono_ms backoff_ms;
    mono_ms opened_at;
    char fault[DIAL_FAULT_BYTES]; /* why it failed last; "" = it has not */
    struct transport_handler handler;
    struct nng_dialing *next;
};

struct transport_nng {
    struct transport base; /* first: a transport is its transport_nng */
    struct loop *loop;
    mono_ms dial_backoff_ms_max;
    struct rng rng; /* jitter */
    struct inbox inbox;

    pthread_mutex_t table_lock; /* held to change the table, and by other threads to read it */
    struct map table;           /* by id: the open connections */
    struct nng_conn *conns;     /* all, those being taken apart too */
    struct nng_conn *dirty;
    struct nng_listening *listenings;
    struct nng_dialing *dialings;
    uint32_t dialer_last;

    struct tls_identity *identity; /* NULL: no TLS */
    size_t shaking;                /* accepted connections in a handshake */
    uint64_t handshakes, refusals, pushed_out;
    uint64_t refusals_told; /* in the log */
    mono_ms refusal_told_at;

    bool stopping;
    struct loop_timer *flush_timer;
    loop_fn *stopped;
    void *stopped_user;
};

/* nng_output.c. Any thread; the caller sees to it that the connection stays. */
void output_init(struct nng_conn *c);
void output_free(struct nng_conn *c);
enum err MUST_CHECK output_add(
    struct nng_conn *c, const struct slices *framed); /* ERR_FULL, ERR_NOT_FOUND once closed */
/* The same, and ERR_TOO_LARGE. Encoded under the lock: nng's thread waits that long, at most.
 * ret_frame NULL: nobody holds it. */
enum err MUST_CHECK output_add_message(struct nng_conn *c, const struct message *m,
                                       struct lenders *lenders, struct held_frame *ret_frame);
void output_start(struct nng_conn *c);
bool output_idle_or_tell(struct nng_conn *c); /* false: the note `sent` comes when it is */
void output_close(struct nng_conn *c);

/* nng_descriptor.c: -1 where it is not certain. The descriptor stays nng's. */
int conn_descriptor(struct nng_conn *c);

/* nng_conn.c */
void conn_open(struct transport_nng *t, nng_stream *stream, const struct conn_origin *origin);
void conn_tell_opened(struct nng_conn *c); /* tells it */
struct nng_conn *conn_find(struct transport_nng *t, conn_id id);
void conn_shut(struct nng_conn *c,
               enum transport_closed why); /* `closed` is told in a later turn */
void conn_reap(struct nng_conn *c);        /* frees it once nothing refers to it any more */
/* So many bytes came, into the room of its input: all whole frames. False: it is garbage. */
bool conn_deliver(struct nng_conn *c, size_t received);

/* nng_secure.c: over TLS. begin: before the first receive; take: of bytes that came, false where
 * the connection is closed by now; end: out of the table; free: with the connection. */
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
/* Its connection closed: dial again; refused: not too soon. */
void dialing_conn_gone(struct transport_nng *t, uint32_t number, bool refused);
struct nng_dialing *dialing_find(struct transport_nng *t, uint32_t number);
/* Keeps why it failed; number 0, or one that is no more: nothing. */
void dialing_failed(struct transport_nng *t, uint32_t number, const char *why);

/* A new aio, or death: it only fails out of memory. fn NULL: nobody is told. */
nng_aio *aio_new(void (*fn)(void *), void *arg);
/* After a send or receive with an aio without a callback: true where it has ended, well or not;
 * false where it would have had to wait, and was taken back untouched. */
bool aio_ended_at_once(nng_aio *aio);

/* nng_url.c: our addresses, in nng's terms. */
struct place {
    bool secure;
    char *url;  /* nng's */
    char *peer; /* over TLS: the name that the certificate must have */
};
enum err MUST_CHECK place_read(const char *url, struct place *ret_place);
void place_free(struct place *p);

#endif
