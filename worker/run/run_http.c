/* http: POST of the envelope. 200 with one JSON value is a success, and so is 200 with lines of
 * news of which the last has the result (http_lines.h). 408, 425, 429 and 5xx may be retried; other
 * statuses are permanent failures. One multi handle on the loop (http_loop.c). These two files are
 * the only ones that include libcurl. */
#include "run/runners.h"

#include <stdlib.h>
#include <strings.h>

#include "json/scan.h"
#include "run/envelope.h"
#include "run/exit_result.h"
#include "run/http_lines.h"
#include "run/http_loop.h"
#include "run/kept.h"
#include "run/news_lines.h"
#include "run/said_error.h"

/* Leaves room for white space around a result, which does not count against its bound. */
#define OUTPUT_BYTES_MAX (RESULT_BYTES_MAX + 4096u)
#define HEADER_BYTES_MAX 4096u /* bound of a usage header: a line of numbers */

struct http_run {
    struct run_http *owner;
    struct http_run *next;
    uint64_t number;
    CURL *easy; /* NULL: refused before it began */
    struct curl_slist *headers;
    struct buf request;
    struct buf response;
    bool begun; /* its body has begun */
    bool in_lines;
    struct http_lines lines;
    bool overflow;
    bool stopped;
    struct said_error said;
    struct buf usage; /* the usage header while it is being read */
    char reason[CURL_ERROR_SIZE];
    struct loop_timer *timer; /* reports a refusal or a stop in the next turn */
};

struct run_http {
    struct runner base; /* first member */
    const struct runner_world *world;
    struct http_loop *loop;
    struct http_run *runs;
};

static void run_free(struct http_run *run)
{
    struct http_run **at = &run->owner->runs;
    while (*at != run) {
        at = &(*at)->next;
    }
    *at = run->next;
    if (run->easy != NULL) {
        http_loop_remove(run->owner->loop, run->easy);
        curl_library()->easy_cleanup(run->easy);
    }
    curl_library()->slist_free_all(run->headers);
    loop_timer_destroy(run->timer);
    buf_free(&run->request);
    buf_free(&run->response);
    http_lines_free(&run->lines);
    said_error_free(&run->said);
    buf_free(&run->usage);
    free(run);
}

static void run_tell(struct http_run *run, const struct attempt_result *result)
{
    const struct runner_listener *to = &run->owner->world->listener;
    to->ended(to->user, run->number, result);
    run_free(run);
}

static void on_news(void *user, const struct attempt_news *news)
{
    struct http_run *run = user;
    const struct runner_listener *to = &run->owner->world->listener;
    if (news->error.given) {
        said_error_take(&run->said, &news->error);
    }
    if (!run->stopped) {
        to->news(to->user, run->number, news);
    }
}

static bool answers_in_lines(CURL *easy)
{
    static const char type[] = "application/x-ndjson";
    long status = 0;
    char *given = NULL;
    return curl_library()->easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
           status == 200 &&
           curl_library()->easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &given) == CURLE_OK &&
           given != NULL && strncasecmp(given, type, sizeof type - 1) == 0;
}

/* Reserves room for the whole body, so that nothing moves when more arrives. */
static void response_make_room(struct http_run *run)
{
    curl_off_t length = -1;
    if (curl_library()->easy_getinfo(run->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) ==
            CURLE_OK &&
        length > 0 && length <= OUTPUT_BYTES_MAX) {
        buf_reserve(&run->response, (size_t)length);
    }
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct http_run *run = user;
    if (!run->begun) {
        run->begun = true;
        run->in_lines = answers_in_lines(run->easy);
        if (!run->in_lines) {
            response_make_room(run);
        }
    }
    if (run->in_lines) {
        struct bytes part = bytes_of(data, size * count);
        run->overflow = !http_lines_feed(&run->lines, part, on_news, run);
        return run->overflow ? 0 : size * count;
    }
    if (run->response.len + size * count > OUTPUT_BYTES_MAX) {
        run->overflow = true;
        return 0; /* aborts the transfer */
    }
    kept_reserve(&run->response, size * count);
    buf_add(&run->response, data, size * count);
    return size * count;
}

static void usage_tell(const struct http_run *run, const struct usage_part *used)
{
    const struct runner_listener *to = &run->owner->world->listener;
    const struct attempt_news news = {.fraction = -1, .usage = *used};
    if (!usage_sum_none(&used->sum)) {
        to->news(to->user, run->number, &news);
    }
}

/* Marathon-Usage: {"model":...}; any number of them, with any status. */
static size_t on_header(char *data, size_t size, size_t count, void *user)
{
    static const char name[] = "marathon-usage:";
    struct http_run *run = user;
    size_t len = size * count;
    struct usage_part used;
    struct bytes object;
    if (len <= sizeof name - 1 || len > HEADER_BYTES_MAX ||
        strncasecmp(data, name, sizeof name - 1) != 0) {
        return len;
    }
    struct bytes value = bytes_part(bytes_of(data, len), sizeof name - 1, len);
    if (json_check(value, &object, NULL) == ERR_OK && json_kind_of(object) == JSON_OBJECT &&
        usage_read(object, &run->usage, &used)) {
        usage_tell(run, &used);
    }
    return len;
}

static struct attempt_result result_of_status(struct http_run *run, long status, struct buf *text)
{
    bool transient = status == 408 || status == 425 || status == 429 || status >= 500;
    buf_addf(text, "HTTP status %ld", status);
    curl_off_t wait_s = 0;
    if (transient &&
        curl_library()->easy_getinfo(run->easy, CURLINFO_RETRY_AFTER, &wait_s) == CURLE_OK &&
        wait_s > 0) {
        buf_addf(text, ", Retry-After: %ld", (long)wait_s);
    }
    struct tail body = {0};
    tail_add(&body, bytes_part(buf_bytes(&run->response), 0, LOG_TAIL_BYTES_MAX));
    struct attempt_result result = result_failure(
        transient ? CODE_FUNCTION_FAILED : CODE_FUNCTION_REJECTED, !transient, text, &body);
    result.retry_after_ms = wait_s <= 0                          ? 0
                            : wait_s < RETRY_AFTER_MS_MAX / 1000 ? (uint32_t)wait_s * 1000
                                                                 : RETRY_AFTER_MS_MAX;
    struct attempt_news news;
    struct buf message = {0};
    if (news_line_read(buf_bytes(&run->response), &message, &news) == ERR_OK) {
        if (news.error.given) {
            said_error_take(&run->said, &news.error);
            said_error_apply(&run->said, &result);
        }
        usage_tell(run, &news.usage);
    }
    buf_free(&message);
    return result;
}

static void on_done(void *user, CURLcode rc)
{
    struct http_run *run = user;
    struct buf text = {0};
    struct attempt_result result;
    long status = 0;
    (void)curl_library()->easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &status);
    if (run->overflow && status == 200) {
        buf_addf(&text, "the response is larger than %u bytes", RESULT_BYTES_MAX);
        result = result_failure(CODE_RESULT_TOO_LARGE, true, &text, NULL);
    } else if (rc != CURLE_OK && !run->overflow) {
        bool sent = rc != CURLE_COULDNT_CONNECT && rc != CURLE_COULDNT_RESOLVE_HOST &&
                    rc != CURLE_OPERATION_TIMEDOUT;
        buf_add_str(&text,
                    run->reason[0] != '\0' ? run->reason : curl_library()->easy_strerror(rc));
        result = result_failure(sent ? CODE_FUNCTION_FAILED : CODE_FUNCTION_UNAVAILABLE, false,
                                &text, NULL);
    } else if (run->in_lines) {
        result = http_lines_end(&run->lines, on_news, run, &text);
        if (!result.ok && run->said.given) { /* in place of a result */
            result.code = CODE_FUNCTION_FAILED;
            said_error_apply(&run->said, &result);
        }
    } else if (status == 200) {
        result = result_of_output(buf_bytes(&run->response), &text, NULL);
        result.holder = &run->response;
    } else {
        result = result_of_status(run, status, &text);
    }
    run_tell(run, &result);
    buf_free(&text);
}

static void on_timer(void *user)
{
    struct http_run *run = user;
    struct buf text = {0};
    struct attempt_result result;
    if (run->stopped) {
        buf_add_str(&text, "the request was stopped");
        result = result_failure(CODE_FUNCTION_FAILED, false, &text, NULL);
    } else {
        buf_addf(&text, "the input and the results of earlier steps are larger than %u bytes",
                 ENVELOPE_BYTES_MAX);
        result = result_failure(CODE_INPUT_TOO_LARGE, true, &text, NULL);
    }
    run_tell(run, &result);
    buf_free(&text);
}

static struct curl_slist *headers_make(const struct function *f, const struct attempt_call *call)
{
    struct arena arena = {0};
    struct bytes key = call->order->idempotency_key;
    struct curl_slist *list = NULL;
    const char *const fixed[] = {"Content-Type: application/json",
                                 "Accept: application/json, application/x-ndjson",
                                 "Expect:", /* no extra round trip before a body */
                                 arena_printf(&arena, "Idempotency-Key: %.*s", (int)key.len,
                                              key.len > 0 ? (const char *)key.ptr : "")};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        list = curl_library()->slist_append(list, fixed[i]);
    }
    for (size_t i = 0; f->headers != NULL && f->headers[i] != NULL; i++) {
        list = curl_library()->slist_append(list, f->headers[i]);
    }
    arena_free(&arena);
    return list;
}

static void request_begin(struct http_run *run, const struct function *f)
{
    CURL *easy = curl_library()->easy_init();
    if (easy == NULL) {
        die("libcurl has no handle (out of memory)");
    }
    run->easy = easy;
    (void)curl_library()->easy_setopt(easy, CURLOPT_URL, f->url);
    (void)curl_library()->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_library()->easy_setopt(easy, CURLOPT_PROXY,
                                      ""); /* no proxy from the environment either */
    (void)curl_library()->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Its end does not wait for the resolver's thread: a silent name server delays nothing. */
    (void)curl_library()->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_library()->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)f->connect_ms);
    (void)curl_library()->easy_setopt(easy, CURLOPT_USERAGENT, "marathon-worker");
    (void)curl_library()->easy_setopt(easy, CURLOPT_HTTPHEADER, run->headers);
    (void)curl_library()->easy_setopt(easy, CURLOPT_POST, 1L);
    (void)curl_library()->easy_setopt(easy, CURLOPT_POSTFIELDS, (const char *)run->request.ptr);
    (void)curl_library()->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                      (curl_off_t)run->request.len);
    (void)curl_library()->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_library()->easy_setopt(easy, CURLOPT_WRITEDATA, run);
    (void)curl_library()->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_library()->easy_setopt(easy, CURLOPT_HEADERDATA, run);
    (void)curl_library()->easy_setopt(easy, CURLOPT_ERRORBUFFER, run->reason);
    http_loop_add(run->owner->loop, easy, on_done, run);
}

static void http_start(struct runner *r, const struct function *f, const struct attempt_call *call)
{
    struct run_http *owner = (struct run_http *)r;
    struct http_run *run = mem_zalloc(sizeof *run);
    run->owner = owner;
    run->number = call->number;
    run->timer = loop_timer_create(owner->world->loop, on_timer, run);
    run->next = owner->runs;
    owner->runs = run;
    if (envelope_make(call, &run->request) != ERR_OK) {
        loop_timer_set(run->timer, loop_now(owner->world->loop).mono);
        return;
    }
    run->headers = headers_make(f, call);
    request_begin(run, f);
}

static void http_stop(struct runner *r, uint64_t number, bool by_force)
{
    (void)by_force; /* all that can be done is to close the connection, which always works */
    struct run_http *owner = (struct run_http *)r;
    for (struct http_run *run = owner->runs; run != NULL; run = run->next) {
        if (run->number == number) {
            run->stopped = true;
            loop_timer_set(run->timer, loop_now(owner->world->loop).mono);
        }
    }
}

static void http_destroy(struct runner *r)
{
    struct run_http *owner = (struct run_http *)r;
    while (owner->runs != NULL) {
        run_free(owner->runs);
    }
    http_loop_destroy(owner->loop);
    free(owner);
}

struct runner *run_http_create(const struct runner_world *world)
{
    static const struct runner_ops ops = {http_start, http_stop, http_destroy};
    struct run_http *owner = mem_zalloc(sizeof *owner);
    owner->base.ops = &ops;
    owner->world = world;
    owner->loop = http_loop_create(world->loop);
    return &owner->base;
}
