/* The function that the chaos suite runs, as a plugin. It writes what it does to an effects log for
 * the checker, one line per write, with fsync:
 *
 *     B <ns> <task> <step_id> <name> <attempt> <key> <nonce> <pid of the worker> <fail> <saw> .
 *     E <ns> <task> <step_id> <nonce> <outcome> .
 *
 * B before it works, E when it is about to answer. Each execution has its own nonce and returns it,
 * so that every result names the execution that made it; <saw> is "name=nonce,..." of the results
 * that it was given ("-" for none). It reads the time by a raw system call, which the shim that
 * shifts the process's clocks does not intercept.
 *
 * Its input: {"ms": how long it works, "fail": how many first attempts fail, "kill": 1 makes it
 * kill its worker, "pad": bytes of padding in the result}. */
#include "plugin/marathon_plugin.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 16384
#define PAD_MAX    200000

static long long now_ns(void)
{
    struct timespec t = {0};
    (void)syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The text of "key":"text" after at; empty if there is none. Ids and names contain no escapes. */
static const char *field(const char *at, const char *key, char *out, size_t size)
{
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\":\"", key);
    out[0] = '\0';
    at = strstr(at, pattern);
    if (at == NULL) {
        return NULL;
    }
    at += strlen(pattern);
    size_t len = strcspn(at, "\"");
    snprintf(out, size, "%.*s", (int)len, at);
    return at + len;
}

static long number(const char *from, const char *to, const char *key)
{
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\":", key);
    const char *at = strstr(from, pattern);
    return at == NULL || at >= to ? 0 : strtol(at + strlen(pattern), NULL, 10);
}

/* "name=nonce,..." of a text of members like "name":{"nonce":"0123..." */
static void saw_write(const char *from, const char *to, char *out, size_t size)
{
    static const char mark[] = "\":{\"nonce\":\"";
    size_t len = 0;
    for (const char *at = from; (at = strstr(at, mark)) != NULL && at < to; at++) {
        const char *name = at;
        while (name > from && name[-1] != '"') {
            name--;
        }
        const char *nonce = at + sizeof mark - 1;
        len += (size_t)snprintf(out + len, size - len, "%s%.*s=%.16s", len > 0 ? "," : "",
                                (int)(at - name), name, nonce);
        if (len + 200 > size) {
            break;
        }
    }
    if (len == 0) {
        snprintf(out, size, "-");
    }
}

/* A process that is killed may leave a partial record: the write then ends at a page boundary. So
 * each record begins on a line of its own, and only one that ends in " ." is complete. */
static void log_write(const char *line, size_t len)
{
    static int fd = -1;
    if (fd < 0) {
        const char *path = getenv("MARATHON_EFFECTS_LOG");
        fd = open(path != NULL ? path : "/dev/null", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                  0600);
    }
    if (fd < 0 || write(fd, line, len) != (ssize_t)len || fsync(fd) != 0) {
        _exit(70); /* an effect that is not on record must not have a result */
    }
}

static void sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t) != 0) {
    }
}

static int answer(struct marathon_call *call, const char *nonce, long pad)
{
    static char text[PAD_MAX + 100];
    int len = snprintf(text, sizeof text, "{\"nonce\":\"%s\",\"pad\":\"", nonce);
    memset(text + len, 'x', (size_t)pad);
    memcpy(text + len + pad, "\"}", 2);
    return call->complete(call, text, (size_t)(len + pad + 2));
}

static int step(struct marathon_call *call)
{
    static char line[LINE_BYTES], saw[LINE_BYTES / 2];
    char task[160], step_id[32], name[160], key[64], nonce[17];
    const char *e = call->envelope;
    const char *end = e + call->envelope_len;
    const char *results = strstr(e, "\"results\":");
    const char *input = strstr(e, "\"input\":");
    const char *behind = strstr(e, "\"progress_checkpoint\":");
    if (input == NULL || results == NULL || input > results || behind == NULL) {
        return call->fail(call, "an envelope in a form this function does not know", 1);
    }
    field(e, "task_id", task, sizeof task);
    field(e, "step_id", step_id, sizeof step_id);
    field(e, "name", name, sizeof name);
    field(e, "idempotency_key", key, sizeof key);
    long attempt = number(e, input, "attempt");
    long fail = number(input, results, "fail");
    long pad = number(input, results, "pad");
    unsigned long long random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        return call->fail(call, "no random bytes", 0);
    }
    snprintf(nonce, sizeof nonce, "%016llx", random);
    saw_write(results, behind > results ? behind : end, saw, sizeof saw);
    int len = snprintf(line, sizeof line, "\nB %lld %s %s %s %ld %s %s %d %ld %s .\n", now_ns(),
                       task, step_id, name, attempt, key, nonce, (int)getppid(), fail, saw);
    log_write(line, (size_t)len);
    if (number(input, results, "kill") != 0) {
        kill(getppid(), SIGKILL);
        sleep_ms(60000);
    }
    sleep_ms(number(input, results, "ms"));
    bool failing = attempt <= fail;
    len = snprintf(line, sizeof line, "\nE %lld %s %s %s %s .\n", now_ns(), task, step_id, nonce,
                   failing ? "failed" : "ok");
    log_write(line, (size_t)len);
    if (failing) {
        return call->fail(call, "fails on purpose", 0);
    }
    return answer(call, nonce, pad < 0 ? 0 : pad > PAD_MAX ? PAD_MAX : pad);
}

static const struct marathon_function functions[] = {{"chaos.step", step}, {NULL, NULL}};

const struct marathon_plugin marathon_plugin = {MARATHON_PLUGIN_ABI, "chaos", functions};
