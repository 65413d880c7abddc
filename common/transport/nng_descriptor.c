/* Finds which of the process's descriptors belongs to an nng stream. nng does not tell, so the
 * search goes by what both sides know of the connection: its addresses, and for ipc also the peer's
 * process. */
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "transport/nng_impl.h"

struct wanted {
    bool dialed;
    nng_sockaddr local, remote;
    uint64_t pid; /* ipc: the peer's */
};

static bool wanted_read(struct nng_conn *c, struct wanted *w)
{
    w->dialed = c->dialer != 0;
    if (nng_stream_get_addr(c->stream, NNG_OPT_LOCADDR, &w->local) != 0 ||
        nng_stream_get_addr(c->stream, NNG_OPT_REMADDR, &w->remote) != 0) {
        return false;
    }
    return w->remote.s_family != NNG_AF_IPC ||
           nng_stream_get_uint64(c->stream, NNG_OPT_IPC_PEER_PID, &w->pid) == 0;
}

static bool address_is(const struct sockaddr_storage *a, const nng_sockaddr *w)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
    if (w->s_family == NNG_AF_INET) {
        return a->ss_family == AF_INET && v4->sin_port == w->s_in.sa_port &&
               v4->sin_addr.s_addr == w->s_in.sa_addr;
    }
    return w->s_family == NNG_AF_INET6 && a->ss_family == AF_INET6 &&
           v6->sin6_port == w->s_in6.sa_port &&
           memcmp(&v6->sin6_addr, w->s_in6.sa_addr, sizeof v6->sin6_addr) == 0;
}

/* Only one end of an ipc connection has the path as its name: the listener's. */
static bool path_is(const struct sockaddr_storage *local, const struct sockaddr_storage *remote,
                    int fd, const struct wanted *w)
{
    const struct sockaddr_un *named = (const struct sockaddr_un *)(w->dialed ? remote : local);
    struct ucred peer;
    socklen_t len = sizeof peer;
    return named->sun_family == AF_UNIX &&
           strncmp(named->sun_path, w->remote.s_ipc.sa_path, sizeof named->sun_path) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (uint64_t)peer.pid == w->pid;
}

/* A socket that was shut down, and that a thread of nng's is about to close, does not count. */
static bool fits(int fd, const struct wanted *w)
{
    struct sockaddr_storage local = {0};
    struct sockaddr_storage remote = {0};
    socklen_t local_len = sizeof local;
    socklen_t remote_len = sizeof remote;
    struct pollfd state = {.fd = fd};
    if (getpeername(fd, (struct sockaddr *)&remote, &remote_len) != 0 ||
        getsockname(fd, (struct sockaddr *)&local, &local_len) != 0 || poll(&state, 1, 0) != 0) {
        return false;
    }
    return w->remote.s_family == NNG_AF_IPC
               ? path_is(&local, &remote, fd, w)
               : address_is(&local, &w->local) && address_is(&remote, &w->remote);
}

static bool taken(const struct transport_nng *t, int fd)
{
    for (const struct nng_conn *c = t->conns; c != NULL; c = c->next) {
        if (c->fd == fd) {
            return true;
        }
    }
    return false;
}

int conn_descriptor(struct nng_conn *c)
{
    struct wanted w = {0};
    DIR *all = wanted_read(c, &w) ? opendir("/proc/self/fd") : NULL;
    if (all == NULL) {
        return -1;
    }
    int found = -1;
    for (const struct dirent *e; (e = readdir(all)) != NULL;) {
        int fd = e->d_name[0] != '.' ? (int)strtol(e->d_name, NULL, 10) : -1;
        if (fd < 0 || !fits(fd, &w) || taken(c->t, fd)) {
            continue;
        }
        if (found >= 0) { /* ambiguous: this process has two connections to the same place */
            found = -1;
            break;
        }
        found = fd;
    }
    (void)closedir(all);
    return found;
}
