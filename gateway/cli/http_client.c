#include "cli/http_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define WAIT_SLICE_MS     200 /* within this time Ctrl-C is noticed */
#define CONNECT_MS        5000
#define STREAM_SILENCE_S  45L
#define PROBLEM_BYTES_MAX (1u << 20) /* of a refused stream */

struct http_client {
    CURLM *multi;
    char *base;
    char *key; /* NULL = none */
    bool loopback;
    bool (*stopped)(void);
    char fault[CURL_ERROR_SIZE + 64];
};

struct http_stream {
    struct http_client *client;
    CURL *easy;
    struct curl_slist *headers;
    char *url;
    http_piece_fn *fn; /* NULL: the body is collected whatever the status */
    void *user;
    enum err refused; /* what aborted the reading */
    /* the request was sent: if the connection is lost now, the outcome is unknown */
    bool sent;
    bool done; /* with this code */
    CURLcode code;
    struct http_reply reply;
    char error[CURL_ERROR_SIZE];
};

static bool host_is_loopback(const char *base)
{
    const char *host = strstr(base, "://") + 3;
    return strncmp(host, "127.", 4) == 0 || strncasecmp(host, "localhost", 9) == 0 ||
           strncmp(host, "[::1]", 5) == 0;
}

enum err http_client_create(const char *base, bool (*stopped)(void),
                            struct http_client **ret_client)
{
    if (strncasecmp(base, "http://", 7) != 0 && strncasecmp(base, "https://", 8) != 0) {
        return ERR_INVALID;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        die("libcurl does not start");
    }
    struct http_client *c = mem_zalloc(sizeof *c);
    c->multi = curl_multi_init();
    if (c->multi == NULL) {
        die("out of memory for HTTP");
    }
    c->base = mem_str(base);
    size_t len = strlen(c->base);
    while (len > 0 && c->base[len - 1] == '/') {
        c->base[--len] = '\0';
    }
    c->loopback = host_is_loopback(base);
    c->stopped = stopped;
    *ret_client = c;
    return ERR_OK;
}

void http_client_key(struct http_client *c, struct bytes key)
{
    free(c->key);
    c->key = key.len > 0 ? mem_str_bytes(key) : NULL;
}

void http_client_destroy(struct http_client *c)
{
    if (c == NULL) {
        return;
    }
    (void)curl_multi_cleanup(c->multi);
    curl_global_cleanup();
    free(c->base);
    free(c->key);
    free(c);
}

const char *http_client_fault(const struct http_client *c)
{
    return c->fault;
}

static size_t on_header(char *text, size_t size, size_t count, void *user)
{
    struct http_stream *s = user;
    size_t len = size * count;
    static const char retry_after[] = "retry-after:";
    if (len >= 5 && strncasecmp(text, "HTTP/", 5) == 0) {
        s->reply.status = 0; /* a new head: 100 Continue precedes the real one */
        s->reply.retry_after_s = 0;
    } else if (len > sizeof retry_after && len < 64 &&
               strncasecmp(text, retry_after, sizeof retry_after - 1) == 0) {
        char number[64] = {0};
        memcpy(number, text + sizeof retry_after - 1, len - (sizeof retry_after - 1));
        long seconds = strtol(number, NULL, 10);
        s->reply.retry_after_s = seconds > 0 && seconds <= 3600 ? (int)seconds : 0;
    } else if (len <= 2) { /* the empty line after the head */
        long status = 0;
        (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
        s->reply.status = (int)status;
    }
    return len;
}

static size_t on_body(char *piece, size_t size, size_t count, void *user)
{
    struct http_stream *s = user;
    size_t len = size * count;
    if (s->fn != NULL && s->reply.status == 200) {
        s->refused = s->fn(s->user, bytes_of(piece, len));
        return s->refused == ERR_OK ? len : CURL_WRITEFUNC_ERROR;
    }
    if (s->reply.body.len + len > (s->fn != NULL ? PROBLEM_BYTES_MAX : HTTP_REPLY_BYTES_MAX)) {
        s->refused = ERR_TOO_LARGE;
        return CURL_WRITEFUNC_ERROR;
    }
    buf_add(&s->reply.body, piece, len);
    return len;
}

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t len, void *user)
{
    (void)easy;
    (void)data;
    (void)len;
    struct http_stream *s = user;
    s->sent = s->sent || type == CURLINFO_HEADER_OUT;
    return 0;
}

static void set_headers(struct http_stream *s, const struct http_request *request)
{
    struct buf text = {0};
    s->headers = curl_slist_append(
        NULL, s->fn != NULL ? "Accept: text/event-stream, application/problem+json"
                            : "Accept: application/json, application/problem+json");
    s->headers = curl_slist_append(s->headers, "Expect:"); /* no 100-continue round trip */
    if (strcmp(request->method, "GET") != 0) {
        s->headers = curl_slist_append(s->headers, "Content-Type: application/json");
    }
    if (request->idempotency_key != NULL) {
        buf_addf(&text, "Idempotency-Key: %s", request->idempotency_key);
        s->headers = curl_slist_append(s->headers, buf_cstr(&text));
        buf_clear(&text);
    }
    if (s->client->key != NULL) {
        buf_addf(&text, "Authorization: Bearer %s", s->client->key);
        s->headers = curl_slist_append(s->headers, buf_cstr(&text));
        buf_clear(&text);
    }
    if (request->last_event_id.len > 0) {
        buf_add_str(&text, "Last-Event-ID: ");
        buf_add_bytes(&text, request->last_event_id);
        s->headers = curl_slist_append(s->headers, buf_cstr(&text));
    }
    buf_free(&text);
    (void)curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
}

static void set_limits(struct http_stream *s, int timeout_ms)
{
    (void)curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(s->easy, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)(timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS));
    if (s->fn == NULL) {
        (void)curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    } else {
        (void)curl_easy_setopt(s->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        (void)curl_easy_setopt(s->easy, CURLOPT_LOW_SPEED_TIME, STREAM_SILENCE_S);
    }
    (void)curl_easy_setopt(s->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(s->easy, CURLOPT_PATH_AS_IS, 1L); /* a task may be called ".." */
    if (s->client->loopback) {
        /* a proxy cannot reach our own loopback */
        (void)curl_easy_setopt(s->easy, CURLOPT_PROXY, "");
    }
}

static void set_callbacks(struct http_stream *s)
{
    (void)curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    (void)curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->error);
    (void)curl_easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(s->easy, CURLOPT_HEADERDATA, s);
    (void)curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    (void)curl_easy_setopt(s->easy, CURLOPT_DEBUGFUNCTION, on_debug);
    (void)curl_easy_setopt(s->easy, CURLOPT_DEBUGDATA, s);
    (void)curl_easy_setopt(s->easy, CURLOPT_VERBOSE, 1L); /* needed for on_debug to be called */
}

struct http_stream *http_stream_open(struct http_client *c, const struct http_request *request,
                                     http_piece_fn *fn, void *user)
{
    struct http_stream *s = mem_zalloc(sizeof *s);
    s->client = c;
    s->fn = fn;
    s->user = user;
    s->easy = curl_easy_init();
    if (s->easy == NULL) {
        die("out of memory for HTTP");
    }
    struct buf url = {0};
    buf_addf(&url, "%s%s", c->base, request->path);
    s->url = mem_str(buf_cstr(&url));
    buf_free(&url);
    (void)curl_easy_setopt(s->easy, CURLOPT_URL, s->url);
    (void)curl_easy_setopt(s->easy, CURLOPT_USERAGENT, "marathon-cli");
    if (strcmp(request->method, "GET") != 0) {
        (void)curl_easy_setopt(s->easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(s->easy, CURLOPT_CUSTOMREQUEST, request->method);
        (void)curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        (void)curl_easy_setopt(s->easy, CURLOPT_COPYPOSTFIELDS,
                               request->body.len > 0 ? (const char *)request->body.ptr : "");
    }
    set_headers(s, request);
    set_limits(s, request->timeout_ms);
    set_callbacks(s);
    (void)curl_multi_add_handle(c->multi, s->easy);
    return s;
}

/* Converts curl's code to ours; keeps its text for people. */
static enum err ended(struct http_stream *s, CURLcode code)
{
    if (code == CURLE_OK) {
        return ERR_NOT_FOUND;
    }
    (void)snprintf(s->client->fault, sizeof s->client->fault, "%s",
                   s->error[0] != '\0' ? s->error : curl_easy_strerror(code));
    if (s->refused != ERR_OK) {
        return s->refused;
    }
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        return ERR_INVALID;
    }
    if (!s->sent) {
        return ERR_UNAVAILABLE;
    }
    return code == CURLE_OPERATION_TIMEDOUT && s->fn == NULL ? ERR_TIMEOUT : ERR_UNKNOWN;
}

/* Other exchanges may end while we wait for ours: a status is requested while a stream is open. */
static void collect_done(struct http_client *c)
{
    int left = 0;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left)) != NULL;) {
        char *owner = NULL;
        if (m->msg == CURLMSG_DONE &&
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &owner) == CURLE_OK) {
            struct http_stream *s = (struct http_stream *)(void *)owner;
            s->done = true;
            s->code = m->data.result;
        }
    }
}

enum err http_stream_wait(struct http_stream *s, int wait_ms)
{
    int running = 0;
    if (curl_multi_perform(s->client->multi, &running) != CURLM_OK) {
        die("libcurl lost its state");
    }
    collect_done(s->client);
    if (s->done) {
        return ended(s, s->code);
    }
    if (s->client->stopped()) {
        return ERR_CONFLICT;
    }
    int slice = wait_ms < WAIT_SLICE_MS ? wait_ms : WAIT_SLICE_MS;
    (void)curl_multi_poll(s->client->multi, NULL, 0, slice, NULL);
    return ERR_OK;
}

const struct http_reply *http_stream_reply(const struct http_stream *s)
{
    return &s->reply;
}

void http_stream_close(struct http_stream *s)
{
    if (s == NULL) {
        return;
    }
    (void)curl_multi_remove_handle(s->client->multi, s->easy);
    curl_easy_cleanup(s->easy);
    curl_slist_free_all(s->headers);
    http_reply_free(&s->reply);
    free(s->url);
    free(s);
}

enum err http_call(struct http_client *c, const struct http_request *request,
                   struct http_reply *ret_reply)
{
    struct http_stream *s = http_stream_open(c, request, NULL, NULL);
    enum err e = ERR_OK;
    while (e == ERR_OK) {
        e = http_stream_wait(s, WAIT_SLICE_MS);
    }
    if (e == ERR_NOT_FOUND) {
        *ret_reply = s->reply;
        s->reply.body = (struct buf){0};
        e = ERR_OK;
    }
    http_stream_close(s);
    return e;
}

void http_reply_free(struct http_reply *r)
{
    buf_free(&r->body);
}
