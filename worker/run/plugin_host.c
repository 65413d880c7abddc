#include "run/plugin_host.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json/scan.h"
#include "plugin/marathon_plugin.h"
#include "run/news_lines.h"
#include "run/plugin_frame.h"

#define FD_ABOVE 16 /* our own descriptors are moved out of a plugin's way */

struct host {
    int in;
    int out;
    const struct marathon_plugin *plugin;
    struct buf answer; /* of the current call: a frame without its length; the last answer wins */
    enum plugin_frame_kind kind;
    bool answered;
};

static void write_all(struct host *h, struct bytes data)
{
    while (data.len > 0) {
        ssize_t n = write(h->out, data.ptr, data.len);
        if (n < 0 && errno != EINTR) {
            _exit(0); /* the worker is gone */
        }
        data = bytes_part(data, n > 0 ? (size_t)n : 0, data.len);
    }
}

static void send_frame(struct host *h, enum plugin_frame_kind kind, struct bytes payload)
{
    struct buf out = {0};
    plugin_frame_begin(&out, kind);
    buf_add_bytes(&out, payload);
    plugin_frame_end(&out);
    write_all(h, buf_bytes(&out));
    buf_free(&out);
}

static void answer_set(struct host *h, enum plugin_frame_kind kind, struct bytes payload)
{
    h->kind = kind;
    h->answered = true;
    buf_clear(&h->answer);
    plugin_frame_begin(&h->answer, kind);
    buf_add_bytes(&h->answer, payload);
}

static int call_complete(struct marathon_call *call, const char *json, size_t len)
{
    struct host *h = call->host;
    if (len > RESULT_BYTES_MAX) {
        answer_set(h, PLUGIN_TOO_LARGE, BYTES_NONE);
    } else {
        answer_set(h, PLUGIN_RESULT, bytes_of(json, len));
    }
    return MARATHON_DONE;
}

static int call_fail(struct marathon_call *call, const char *message, int permanent)
{
    struct bytes text = bytes_part(bytes_str(message), 0, ERROR_BYTES_MAX);
    answer_set(call->host, permanent != 0 ? PLUGIN_PERMANENT : PLUGIN_TRY_AGAIN, text);
    return permanent != 0 ? MARATHON_PERMANENT : MARATHON_TRY_AGAIN;
}

static int call_fail_with(struct marathon_call *call, const struct marathon_failure *f)
{
    struct buf line = {0};
    const char *code = f->code != NULL ? f->code : "";
    buf_addf(&line,
             "{\"error\":{\"retryable\":%s,\"retry_after\":", f->permanent != 0 ? "false" : "true");
    json_put_number(&line, f->retry_after_s > 0 ? f->retry_after_s : 0);
    if (code[0] != '\0') {
        buf_add_str(&line, ",\"code\":");
        json_put_string(&line, bytes_str(code));
    }
    buf_add_str(&line, "}}");
    send_frame(call->host, PLUGIN_NEWS, buf_bytes(&line));
    buf_free(&line);
    return call_fail(call, f->message != NULL ? f->message : "", f->permanent);
}

static void call_progress(struct marathon_call *call, double fraction, const char *message)
{
    struct buf line = {0};
    buf_add_str(&line, "{\"progress\":");
    json_put_number(&line, fraction >= 0 && fraction <= 1 ? fraction : fraction > 1 ? 1 : 0);
    if (message != NULL) {
        buf_add_str(&line, ",\"message\":");
        json_put_string(&line, bytes_part(bytes_str(message), 0, ERROR_BYTES_MAX));
    }
    buf_add_char(&line, '}');
    send_frame(call->host, PLUGIN_NEWS, buf_bytes(&line));
    buf_free(&line);
}

static void call_checkpoint(struct marathon_call *call, const char *json, size_t len)
{
    if (len > NEWS_CHECKPOINT_BYTES_MAX) {
        (void)fprintf(stderr, "marathon: a checkpoint over %u bytes is ignored\n",
                      NEWS_CHECKPOINT_BYTES_MAX);
        return;
    }
    struct buf line = {0};
    buf_add_str(&line, "{\"checkpoint\":");
    buf_add(&line, json, len);
    buf_add_char(&line, '}');
    send_frame(call->host, PLUGIN_NEWS, buf_bytes(&line));
    buf_free(&line);
}

static void call_usage(struct marathon_call *call, const char *model, int64_t input_tokens,
                       int64_t output_tokens, double cost_usd)
{
    struct buf line = {0};
    buf_add_str(&line, "{\"usage\":{\"model\":");
    json_put_string(&line, bytes_part(bytes_str(model), 0, ERROR_BYTES_MAX));
    buf_addf(&line, ",\"input_tokens\":%" PRId64 ",\"output_tokens\":%" PRId64 ",\"cost_usd\":",
             input_tokens, output_tokens);
    json_put_number(&line, cost_usd);
    buf_add_str(&line, "}}");
    send_frame(call->host, PLUGIN_NEWS, buf_bytes(&line));
    buf_free(&line);
}

/* The function's return value must match the answer it gave; otherwise the call is a transient
 * failure. */
static void answer_send(struct host *h, int returned)
{
    bool failed = h->answered && (h->kind == PLUGIN_TRY_AGAIN || h->kind == PLUGIN_PERMANENT);
    if (returned == MARATHON_DONE && h->answered) {
        plugin_frame_end(&h->answer);
        write_all(h, buf_bytes(&h->answer));
        return;
    }
    char text[96];
    (void)snprintf(text, sizeof text, "the function returned %d%s", returned,
                   returned == MARATHON_DONE ? " and gave no result" : "");
    struct bytes said = bytes_part(buf_bytes(&h->answer), PLUGIN_FRAME_HEAD_BYTES, h->answer.len);
    struct bytes message = failed ? said : bytes_str(text);
    send_frame(h, returned == MARATHON_PERMANENT ? PLUGIN_PERMANENT : PLUGIN_TRY_AGAIN, message);
}

/* payload: NUL-terminated. */
static void call_run(struct host *h, struct bytes payload)
{
    const char *name = (const char *)payload.ptr;
    size_t name_len = strnlen(name, payload.len);
    struct bytes envelope = bytes_part(payload, name_len + 1, payload.len);
    const struct marathon_function *f = h->plugin->functions;
    while (f->name != NULL && (strlen(f->name) != name_len || memcmp(f->name, name, name_len))) {
        f++;
    }
    h->answered = false;
    if (f->name == NULL) {
        send_frame(h, PLUGIN_UNUSABLE, BYTES_LIT("it has no function with that name"));
    } else {
        struct marathon_call call = {.abi = MARATHON_PLUGIN_ABI,
                                     .envelope = (const char *)envelope.ptr,
                                     .envelope_len = envelope.len,
                                     .complete = call_complete,
                                     .fail = call_fail,
                                     .progress = call_progress,
                                     .checkpoint = call_checkpoint,
                                     .usage = call_usage,
                                     .host = h,
                                     .fail_with = call_fail_with};
        pid_t self = getpid();
        int returned = f->run(&call);
        if (getpid() != self) {
            /* a child that the plugin forked: it must neither answer nor take the next call */
            _exit(0);
        }
        (void)fflush(NULL);
        answer_send(h, returned);
    }
}

static bool plugin_open(struct host *h, const char *path)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct marathon_plugin *plugin = object != NULL ? dlsym(object, "marathon_plugin") : NULL;
    char text[512];
    if (plugin == NULL) {
        (void)snprintf(text, sizeof text, "%s", dlerror());
    } else if (plugin->abi == 0 || plugin->abi > MARATHON_PLUGIN_ABI) {
        (void)snprintf(text, sizeof text, "it needs plugin ABI %u; this worker has %u", plugin->abi,
                       MARATHON_PLUGIN_ABI);
    } else {
        h->plugin = plugin;
        return true;
    }
    send_frame(h, PLUGIN_UNUSABLE, bytes_str(text));
    return false;
}

int plugin_host_main(const char *path)
{
    struct host h = {.in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, FD_ABOVE),
                     .out = fcntl(3, F_DUPFD_CLOEXEC, FD_ABOVE)};
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (h.in < 0 || h.out < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        (void)fprintf(stderr, "marathon-worker: %s is for the worker's own use\n",
                      PLUGIN_HOST_FLAG);
        return 2;
    }
    (void)close(3);
    (void)close(nothing);
    bool usable = plugin_open(&h, path);
    struct buf in = {0};
    while (usable) {
        struct plugin_frame frame;
        size_t taken = 0;
        enum err e = plugin_frame_read(buf_bytes(&in), &frame, &taken);
        if (e == ERR_OK) {
            frame.payload.ptr = (const uint8_t *)buf_cstr(&in) + PLUGIN_FRAME_HEAD_BYTES;
            call_run(&h, frame.payload);
            buf_free(&in); /* one call at a time: nothing follows in the buffer */
            continue;
        }
        buf_reserve(&in, 65536);
        ssize_t n = e == ERR_NOT_FOUND ? read(h.in, in.ptr + in.len, 65536) : 0;
        if (n == 0 || (n < 0 && errno != EINTR)) {
            break;
        }
        in.len += n > 0 ? (size_t)n : 0;
    }
    buf_free(&in);
    buf_free(&h.answer);
    return usable ? 0 : 1;
}
