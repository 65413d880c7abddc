/* An example of a plugin: functions in C for Marathon. Build it as a shared object with
 * marathon_plugin.h alone:
 *
 *     cc -shared -fPIC -o example.so plugin_example.c
 *
 * and name it in a functions file: {"functions": {"example.count": {"plugin": "example.so"}}}. The
 * tests use it, and its bad manners. */
#include "plugin/marathon_plugin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned calls; /* shows that the host is kept between steps */

/* How often this process was called: reports progress, saves a checkpoint, says what it cost. */
static int count(struct marathon_call *call)
{
    char text[64];
    call->progress(call, 0.5, "half way");
    call->checkpoint(call, "{\"at\":\"half\"}", 13);
    call->usage(call, "none", 1, 2, 0.0);
    printf("what is printed goes to the log\n");
    int n = snprintf(text, sizeof text, "{\"calls\":%u,\"pid\":%d}", ++calls, (int)getpid());
    return call->complete(call, text, (size_t)n);
}

static int envelope(struct marathon_call *call)
{
    return call->complete(call, call->envelope, call->envelope_len);
}

static int later(struct marathon_call *call)
{
    fprintf(stderr, "the log of later\n");
    return call->fail(call, "not yet", 0);
}

static int quota(struct marathon_call *call)
{
    static const struct marathon_failure failure = {
        .code = "QUOTA", .message = "no more today", .retry_after_s = 90};
    return call->fail_with(call, &failure);
}

static int never(struct marathon_call *call)
{
    return call->fail(call, "the input is wrong", 1);
}

static int crash(struct marathon_call *call)
{
    (void)call;
    fprintf(stderr, "about to crash\n");
    abort();
}

static int leave(struct marathon_call *call)
{
    (void)call;
    _exit(3);
}

static int silent(struct marathon_call *call)
{
    (void)call;
    return MARATHON_DONE;
}

static int odd(struct marathon_call *call)
{
    (void)call;
    return 42;
}

static int nonsense(struct marathon_call *call)
{
    return call->complete(call, "{1}", 3);
}

static int huge(struct marathon_call *call)
{
    size_t len = (2u << 20) + 2;
    char *text = malloc(len);
    if (text == NULL) {
        return MARATHON_TRY_AGAIN;
    }
    memset(text, 'x', len);
    text[0] = text[len - 1] = '"';
    int returned = call->complete(call, text, len);
    free(text);
    return returned;
}

static volatile sig_atomic_t waiting = 1;

static int hang(struct marathon_call *call)
{
    call->progress(call, 0.1, "hanging");
    while (waiting) {
        pause();
    }
    return MARATHON_TRY_AGAIN;
}

static void on_term(int signo)
{
    (void)signo;
    waiting = 0;
}

/* Asked to stop, it finishes what it has. */
static int stubborn(struct marathon_call *call)
{
    (void)signal(SIGTERM, on_term);
    call->progress(call, 0.1, "waiting");
    while (waiting) {
        usleep(1000);
    }
    return call->complete(call, "\"done\"", 6);
}

/* Its child forgets to exit, and returns as if it were the function. */
static int twins(struct marathon_call *call)
{
    pid_t child = fork();
    if (child == 0) {
        return call->complete(call, "\"the child's\"", 13);
    }
    (void)waitpid(child, NULL, 0);
    return call->complete(call, "\"the parent's\"", 14);
}

static const struct marathon_function functions[] = {
    {"example.count", count},   {"example.envelope", envelope}, {"example.later", later},
    {"example.never", never},   {"example.crash", crash},       {"example.leave", leave},
    {"example.silent", silent}, {"example.odd", odd},           {"example.nonsense", nonsense},
    {"example.huge", huge},     {"example.stubborn", stubborn}, {"example.twins", twins},
    {"example.hang", hang},     {"example.quota", quota},       {NULL, NULL}};

const struct marathon_plugin marathon_plugin = {MARATHON_PLUGIN_ABI, "example", functions};
