#include "run/http_loop.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

/* Idle connections kept open to functions that are called again. */
#define KEPT_CONNECTIONS 16L

struct http_socket {
    struct http_loop *owner;
    curl_socket_t fd;
    struct loop_watch *watch;
};

struct http_loop {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;
    http_done_fn *fn;
};

/* Reports the transfers that have ended. */
static void done_tell(struct http_loop *h)
{
    int left = 0;
    for (CURLMsg *m = curl_library()->multi_info_read(h->multi, &left); m != NULL;
         m = curl_library()->multi_info_read(h->multi, &left)) {
        void *user = NULL;
        CURLcode rc = m->data.result; /* m is gone once the handle is removed */
        (void)curl_library()->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &user);
        h->fn(user, rc);
    }
}

static void on_ready(void *user, int ready)
{
    struct http_socket *s = user;
    struct http_loop *h = s->owner;
    int running = 0;
    int events = ((ready & LOOP_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                 ((ready & LOOP_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0);
    (void)curl_library()->multi_socket_action(h->multi, s->fd, events, &running); /* may free s */
    done_tell(h);
}

static void on_timer(void *user)
{
    struct http_loop *h = user;
    int running = 0;
    (void)curl_library()->multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    done_tell(h);
}

static int on_timeout(CURLM *multi, long timeout_ms, void *user)
{
    (void)multi;
    struct http_loop *h = user;
    loop_timer_set(h->timer, timeout_ms < 0 ? NEVER_MS : loop_now(h->loop).mono + timeout_ms);
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket)
{
    (void)easy;
    struct http_loop *h = user;
    struct http_socket *s = socket;
    if (what == CURL_POLL_REMOVE) {
        if (s != NULL) {
            loop_watch_destroy(s->watch);
            free(s);
            (void)curl_library()->multi_assign(h->multi, fd, NULL);
        }
        return 0;
    }
    if (s == NULL) {
        s = mem_zalloc(sizeof *s);
        s->owner = h;
        s->fd = fd;
        s->watch = loop_watch_create(h->loop, fd, on_ready, s);
        (void)curl_library()->multi_assign(h->multi, fd, s);
    }
    loop_watch_set(s->watch, ((what & CURL_POLL_IN) != 0 ? LOOP_READABLE : 0) |
                                 ((what & CURL_POLL_OUT) != 0 ? LOOP_WRITABLE : 0));
    return 0;
}

struct http_loop *http_loop_create(struct loop *loop)
{
    struct http_loop *h = mem_zalloc(sizeof *h);
    if (curl_library()->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (h->multi = curl_library()->multi_init()) == NULL) {
        die("libcurl cannot be started");
    }
    h->loop = loop;
    h->timer = loop_timer_create(loop, on_timer, h);
    (void)curl_library()->multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_library()->multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    (void)curl_library()->multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    (void)curl_library()->multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    (void)curl_library()->multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
    return h;
}

void http_loop_add(struct http_loop *h, CURL *easy, http_done_fn *fn, void *user)
{
    assert(h->fn == NULL || h->fn == fn);
    h->fn = fn;
    (void)curl_library()->easy_setopt(easy, CURLOPT_PRIVATE, user);
    CURLMcode rc = curl_library()->multi_add_handle(h->multi, easy);
    assert(rc == CURLM_OK);
}

void http_loop_remove(struct http_loop *h, CURL *easy)
{
    CURLMcode rc = curl_library()->multi_remove_handle(h->multi, easy);
    assert(rc == CURLM_OK);
}

void http_loop_destroy(struct http_loop *h)
{
    (void)curl_library()->multi_cleanup(h->multi);
    loop_timer_destroy(h->timer);
    free(h);
    curl_library()->global_cleanup();
}
