/* Connections that carry length-delimited frames: u32 big-endian length, then so many bytes (see
 * wire/frame.h).
 *
 * A vtable with two implementations: transport_nng (nng byte streams; ipc://, tcp:// and
 * tls+tcp://) and transport_memory (both ends in one process, for tests). All calls and callbacks
 * on the loop's thread, but for send_urgent. A connection is named by an id that is never
 * used again in the process; sends to one that is gone are dropped (ERR_NOT_FOUND). nng runs
 * threads of its own and is not fork-safe: fork only to exec. Its exit handlers may hang: after
 * shutdown, end with _exit. */
#ifndef MARATHON_TRANSPORT_TRANSPORT_H
#define MARATHON_TRANSPORT_TRANSPORT_H

#include "base/bytes.h"
#include "base/err.h"
#include "loop/loop.h"
#include "model/message.h"
#include "tls/identity.h"
#include "transport/sheet.h"

typedef uint64_t conn_id; /* 0 is none */

/* Output waiting on one connection, and all of what has lent to it: a peer that far behind is
 * closed. */
#define TRANSPORT_BACKLOG_BYTES_MAX (64u << 20)
/* Of those, beside what they have lent: as much as one frame may have. Most output is gone with the
 * turn, and small parts of large lenders are lent as well; from here on they are copied. */
#define TRANSPORT_BESIDE_BYTES_MAX (4u << 20)

enum transport_closed {
    CLOSED_BY_PEER,
    CLOSED_BY_US,
    CLOSED_GARBAGE, /* a length out of bounds */
    CLOSED_BACKLOG,
};

struct transport_handler {
    /* dialer: the number that dial gave, 0 for an accepted connection. */
    void (*opened)(void *user, conn_id conn, uint32_t dialer);
    /* frame (without its length) is borrowed for the call. */
    void (*frame)(void *user, conn_id conn, struct bytes frame);
    /* Exactly once per opened connection; no callback for it afterwards. */
    void (*closed)(void *user, conn_id conn, enum transport_closed why);
    void *user;
};

struct transport;

struct transport_ops {
    /* ERR_INVALID: not a URL we know (ipc:///absolute/path, tcp://host:port, tls+tcp://host:port),
     * or TLS without an identity; ERR_IO: cannot listen there (in use, no permission). */
    enum err (*listen)(struct transport *t, const char *url, struct transport_handler handler);
    /* Keeps one connection to url: dials again for ever with a jittered back-off from 5 ms to
     * dial_backoff_ms_max. */
    enum err (*dial)(struct transport *t, const char *url, struct transport_handler handler,
                     uint32_t *ret_dialer);
    /* And closes its connection, if there is one. */
    void (*undial)(struct transport *t, uint32_t dialer);
    /* framed: whole frames with their lengths. Copied, but for what was lent to them; goes out at
     * the end of the turn, one write for all of a connection. */
    enum err (*send)(struct transport *t, conn_id conn, const struct slices *framed);
    /* The same for one message, encoded where it waits to go out: what its slices point to is
     * copied once, and may go when this returns; but those that lie in one of the lenders, unless
     * they are short (LENT_BYTES_MIN), go out from there, and it is held for so long; unless too
     * much is held already (TRANSPORT_BESIDE_BYTES_MAX).
     * ERR_TOO_LARGE: over FRAME_BYTES_MAX, nothing is sent. */
    enum err (*send_message)(struct transport *t, conn_id conn, const struct message *m,
                             struct lenders *lenders);
    /* The same for one that may have to be sent again: its frame is held where it waits to go out,
     * and the caller's to release. */
    enum err (*send_held)(struct transport *t, conn_id conn, const struct message *m,
                          struct lenders *lenders, struct held_frame *ret_frame);
    /* The same as send from any thread, copied and put on its way at once (heartbeats). */
    enum err (*send_urgent)(struct transport *t, conn_id conn, struct bytes framed);
    void (*close)(struct transport *t, conn_id conn);
    /* Stops listening and dialling, flushes what is queued for at most flush_ms, closes all; then
     * calls done on the loop's thread. Once only. listen and dial answer ERR_CONFLICT from then on.
     */
    void (*shutdown)(struct transport *t, mono_ms flush_ms, loop_fn *done, void *user);
    /* After shutdown's done (allowed inside it), when no other thread sends any more. */
    void (*destroy)(struct transport *t);
};

struct transport {
    const struct transport_ops *ops;
};

/* The real one. Borrows the loop. dial_backoff_ms_max: 250 is right for workers and gateways (a
 * takeover waits 200 ms for them). */
struct transport *transport_nng_create(struct loop *loop, mono_ms dial_backoff_ms_max);
/* TLS, by common/tls over nng's tcp streams. (nng's own TLS, over mbedTLS in 1.5.2, loses the end
 * of a fifth of its connections, calls a dial done before the handshake and a stranger verified.)
 *
 * `opened` is told once the peer has shown a certificate of our authority; a peer without one is
 * closed and seen in the log and the counts only. The one dialled must also have the host of the
 * URL among its names: tls+tcp://host:port; in tls+tcp://name@address:port it is the name. (In
 * TLS 1.3 who dials has `opened` before the other side has looked at its certificate, and `closed`
 * if that finds it wanting.) Those in a handshake are bounded in number and time. */

/* Before the first listen or dial; again at any time: for connections from then on. Takes ownership
 * of the identity. */
void transport_nng_identity(struct transport *t, struct tls_identity *identity);

struct transport_tls_stats {
    bool on;
    unix_ms expires;     /* the certificate that we show */
    uint64_t handshakes; /* done */
    uint64_t refusals;   /* peers refused, or that refused us */
    uint64_t pushed_out; /* of these, for a newer one: too many had not finished */
};
struct transport_tls_stats transport_nng_tls_stats(const struct transport *t);
/* The same for Prometheus, the same names in every role; nothing without TLS. */
void transport_nng_metrics(const struct transport *t, struct buf *out);
/* The organizational unit (OU) in the certificate of an open connection's peer; "" where it has
 * none, or without TLS. Borrowed for the turn. */
const char *transport_nng_unit(const struct transport *t, conn_id conn);

/* Why a dial last failed, or its connection was refused at a certificate; "" where neither was.
 * Borrowed for the turn. */
const char *transport_nng_dial_fault(const struct transport *t, uint32_t dialer);

/* Both ends in one process; urls are any text. Frames are delivered in the next turn, in order. */
struct transport *transport_memory_create(struct loop *loop);

#endif
