#include "http/lobby.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct newcomer {
    struct lobby *lobby;
    struct newcomer *prev, *next;
    struct loop_watch *watch;
    mono_ms since;
    int fd;
};

struct lobby {
    struct loop *loop;
    accepted_fn *fn;
    void *user;
    struct newcomer *first, *last; /* oldest first */
    size_t count;
};

enum said { SAID_NOTHING, SAID_SOMETHING, SAID_GOODBYE };

static enum said listen_to(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0) {
        return SAID_SOMETHING;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? SAID_NOTHING : SAID_GOODBYE;
}

/* Returns its descriptor, which then belongs to the caller. */
static int leave(struct newcomer *n)
{
    struct lobby *l = n->lobby;
    int fd = n->fd;
    *(n->prev != NULL ? &n->prev->next : &l->first) = n->next;
    *(n->next != NULL ? &n->next->prev : &l->last) = n->prev;
    l->count--;
    loop_watch_destroy(n->watch);
    free(n);
    return fd;
}

static void on_ready(void *user, int ready)
{
    struct newcomer *n = user;
    struct lobby *l = n->lobby;
    enum said said = listen_to(n->fd);
    (void)ready;
    if (said == SAID_SOMETHING) {
        l->fn(l->user, leave(n));
    } else if (said == SAID_GOODBYE) {
        (void)close(leave(n));
    }
}

struct lobby *lobby_create(struct loop *loop, accepted_fn *fn, void *user)
{
    struct lobby *l = mem_zalloc(sizeof *l);
    *l = (struct lobby){.loop = loop, .fn = fn, .user = user};
    return l;
}

void lobby_add(struct lobby *l, int fd)
{
    enum said said = listen_to(fd);
    if (said == SAID_SOMETHING) {
        l->fn(l->user, fd);
        return;
    }
    if (said == SAID_GOODBYE) {
        (void)close(fd);
        return;
    }
    struct newcomer *n = mem_zalloc(sizeof *n);
    *n = (struct newcomer){.lobby = l, .prev = l->last, .since = loop_now(l->loop).mono, .fd = fd};
    *(l->last != NULL ? &l->last->next : &l->first) = n;
    l->last = n;
    l->count++;
    n->watch = loop_watch_create(l->loop, fd, on_ready, n);
    loop_watch_set(n->watch, LOOP_READABLE);
}

size_t lobby_count(const struct lobby *l)
{
    return l->count;
}

void lobby_sweep(struct lobby *l, mono_ms silent_ms)
{
    mono_ms now = loop_now(l->loop).mono;
    while (l->first != NULL && now - l->first->since > silent_ms) {
        (void)close(leave(l->first));
    }
}

bool lobby_quiet(const struct lobby *l, mono_ms silent_ms)
{
    if (l->last != NULL && loop_now(l->loop).mono - l->last->since < silent_ms) {
        return false;
    }
    for (const struct newcomer *n = l->first; n != NULL; n = n->next) {
        if (listen_to(n->fd) == SAID_SOMETHING) {
            return false;
        }
    }
    return true;
}

void lobby_end(struct lobby *l)
{
    for (const struct newcomer *n = l->first; n != NULL; n = n->next) {
        (void)shutdown(n->fd, SHUT_WR);
    }
}
