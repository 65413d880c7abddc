/* Connections that carry length-prefixed frames: a big-endian u32 length, then so many bytes (see
 * wire/frame.h).
 *
 * A vtable with two implementations: transport_nng (nng's byte streams; ipc://, tcp:// and
 * tls+tcp://) and transport_memory (both ends in one process, for tests). All calls and callbacks
 * are on the loop's thread, except send_urgent. A connection is named by an id that is never reused
 * in the process; sends to a closed one are dropped (ERR_NOT_FOUND). nng runs threads of its own
 * and is not fork-safe: fork only to exec. Its exit handlers may hang: end with _exit after
 * shutdown. */
#ifndef MARATHON_TRANSPORT_TRANSPORT_H
#define MARATHON_TRANSPORT_TRANSPORT_H

#include "base/bytes.h"
#include "base/err.h"
#include "loop/loop.h"
#include "model/message.h"
#include "tls/identity.h"
#include "transport/sheet.h"

typedef uint64_t conn_id; /* 0 is none */

/* Bound on the output that waits on one connection, including all memory lent to it: a peer that
 * falls this far behind is closed. */
#define TRANSPORT_BACKLOG_BYTES_MAX (64u << 20)
/* Of that, the bound on lenders' memory that is kept alive but not sent: as much as one frame may
 * have. Most output is gone by the end of the turn, so even small parts of large lenders are lent;
 * beyond this bound they are copied. */
#define TRANSPORT_BESIDE_BYTES_MAX (4u << 20)

enum transport_closed {
    CLOSED_BY_PEER,
    CLOSED_BY_US,
    CLOSED_GARBAGE, /* a length out of bounds */
    CLOSED_BACKLOG,
};

struct transport_handler {
    /* dialer: the number that dial returned, 0 for an accepted connection. */
    void (*opened)(void *user, conn_id conn, uint32_t dialer);
    /* frame (without its length prefix) is borrowed for the call. */
    void (*frame)(void *user, conn_id conn, struct bytes frame);
    /* Exactly once per opened connection; no callbacks for it afterwards. */
    void (*closed)(void *user, conn_id conn, enum transport_closed why);
    void *user;
};

struct transport;

struct transport_ops {
    /* ERR_INVALID: not a supported URL (ipc:///absolute/path, tcp://host:port,
     * tls+tcp://host:port), or TLS without an identity; ERR_IO: cannot listen there (in use, no
     * permission). */
    enum err (*listen)(struct transport *t, const char *url, struct transport_handler handler);
    /* Keeps one connection to url: dials again for ever, with a jittered back-off from 5 ms to
     * dial_backoff_ms_max. */
    enum err (*dial)(struct transport *t, const char *url, struct transport_handler handler,
                     uint32_t *ret_dialer);
    /* Also closes its connection, if there is one. */
    void (*undial)(struct transport *t, uint32_t dialer);
    /* framed: whole frames with their length prefixes. Copies them, except for lent memory. Sent at
     * the end of the turn, in one write per connection. */
    enum err (*send)(struct transport *t, conn_id conn, const struct slices *framed);
    /* The same for one message, encoded directly into the output. Slices of it that lie in one of
     * the lenders are sent from there, and the lender is held until then, unless they are short
     * (LENT_BYTES_MIN) or too much is held already (TRANSPORT_BESIDE_BYTES_MAX). Everything else is
     * copied once, and may be freed when this returns. ERR_TOO_LARGE: over FRAME_BYTES_MAX, nothing
     * is sent. */
    enum err (*send_message)(struct transport *t, conn_id conn, const struct message *m,
                             struct lenders *lenders);
    /* The same for a message that may have to be sent again: its frame is held in the output; the
     * caller must release it. */
    enum err (*send_held)(struct transport *t, conn_id conn, const struct message *m,
                          struct lenders *lenders, struct held_frame *ret_frame);
    /* Like send, but from any thread: copies, and sends at once (heartbeats). */
    enum err (*send_urgent)(struct transport *t, conn_id conn, struct bytes framed);
    void (*close)(struct transport *t, conn_id conn);
    /* Stops listening and dialling, flushes queued output for at most flush_ms, closes all
     * connections, then calls done on the loop's thread. Call once. From then on listen and dial
     * return ERR_CONFLICT. */
    void (*shutdown)(struct transport *t, mono_ms flush_ms, loop_fn *done, void *user);
    /* Call after shutdown's done (allowed inside it), when no other thread sends any more. */
    void (*destroy)(struct transport *t);
};

struct transport {
    const struct transport_ops *ops;
};

/* The real one. Borrows the loop. dial_backoff_ms_max: 250 suits workers and gateways (a takeover
 * waits 200 ms for them). */
struct transport *transport_nng_create(struct loop *loop, mono_ms dial_backoff_ms_max);
/* TLS is done by common/tls on top of nng's tcp streams. (nng's own TLS, with mbedTLS in 1.5.2,
 * loses the end of a fifth of its connections, reports a dial as done before the handshake, and a
 * stranger as verified.)
 *
 * `opened` is called once the peer has shown a certificate of our authority; a peer without one is
 * closed, and appears only in the log and the counters. A dialled peer must also have the URL's
 * host among its names: the host of tls+tcp://host:port, or the name of
 * tls+tcp://name@address:port. (In TLS 1.3 the dialling side gets `opened` before the other side
 * has checked its certificate, then `closed` if that check fails.) Connections in a handshake are
 * bounded in number and time. */

/* Call before the first listen or dial; again at any time, for connections made from then on. Takes
 * ownership of the identity. */
void transport_nng_identity(struct transport *t, struct tls_identity *identity);

struct transport_tls_stats {
    bool on;
    unix_ms expires;     /* the certificate that we show */
    uint64_t handshakes; /* completed ones */
    uint64_t refusals;   /* peers that we refused, or that refused us */
    /* of these, closed in favour of a newer one because too many were unfinished */
    uint64_t pushed_out;
};
struct transport_tls_stats transport_nng_tls_stats(const struct transport *t);
/* The same as Prometheus metrics, under the same names in every role; appends nothing without
 * TLS. */
void transport_nng_metrics(const struct transport *t, struct buf *out);
/* The organizational unit (OU) in the certificate of an open connection's peer; "" if it has none,
 * or without TLS. Borrowed for the turn. */
const char *transport_nng_unit(const struct transport *t, conn_id conn);

/* Why a dial last failed, or why its connection's certificate was refused; "" if neither happened.
 * Borrowed for the turn. */
const char *transport_nng_dial_fault(const struct transport *t, uint32_t dialer);

/* Both ends in one process; urls may be any text. Frames are delivered in the next turn, in
 * order. */
struct transport *transport_memory_create(struct loop *loop);

#endif
