/* Functions for Marathon in C: the plugin ABI, version 2.
 *
 * A plugin is a shared object that exports one symbol, marathon_plugin. marathon-worker loads it in
 * a child process of its own (--plugin-host), kept between steps: a crash is an error of the step,
 * not the end of the worker. One call at a time per child; a child serves many calls, so free what
 * you allocate.
 *
 *     static int greet(struct marathon_call *call)
 *     {
 *         return call->complete(call, "{\"hello\":\"world\"}", 17);
 *     }
 *     static const struct marathon_function functions[] = {{"demo.greet", greet}, {NULL, NULL}};
 *     const struct marathon_plugin marathon_plugin = {MARATHON_PLUGIN_ABI, "demo", functions};
 */
#ifndef MARATHON_PLUGIN_H
#define MARATHON_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MARATHON_PLUGIN_ABI 2u

/* What a function returns, and what complete() and fail() return for it to pass on. */
enum marathon_return {
    MARATHON_DONE = 0,       /* complete() or fail() was called */
    MARATHON_TRY_AGAIN = 75, /* transient failure; fail() may have given the message */
    MARATHON_PERMANENT = 65, /* permanent failure: not tried again */
};

/* A failure that says more; see fail_with(). Zero-initialise it. */
struct marathon_failure {
    const char *code;     /* the function's own error code, of A-Z a-z 0-9 _ . : -; may be NULL */
    const char *message;  /* may be NULL */
    int permanent;        /* != 0: not tried again */
    double retry_after_s; /* > 0: not before that; at most an hour is obeyed */
};

/* One call. The host owns it; it lives until the function returns. Only the thread that was called
 * may use it. */
struct marathon_call {
    uint32_t abi; /* MARATHON_PLUGIN_ABI of the host: at least the plugin's */
    /* JSON with task_id, step_id, name, attempt, idempotency_key, input, results,
     * progress_checkpoint and deadline; a NUL stands behind it. */
    const char *envelope;
    size_t envelope_len;
    /* The result: one JSON value, copied. Returns MARATHON_DONE. The last call wins. */
    int (*complete)(struct marathon_call *call, const char *json, size_t len);
    /* The error message, NUL-terminated, copied. permanent != 0: returns MARATHON_PERMANENT, else
     * MARATHON_TRY_AGAIN. */
    int (*fail)(struct marathon_call *call, const char *message, int permanent);
    /* News while running; fraction 0..1, message may be NULL. */
    void (*progress)(struct marathon_call *call, double fraction, const char *message);
    /* A progress checkpoint: one JSON value; the next attempt finds it in the envelope. */
    void (*checkpoint)(struct marathon_call *call, const char *json, size_t len);
    /* What the call has used since it last said so; model may be NULL. */
    void (*usage)(struct marathon_call *call, const char *model, int64_t input_tokens,
                  int64_t output_tokens, double cost_usd);
    void *host; /* the host's own */
    /* Since ABI 2: fail() with more. Check call->abi >= 2 where a plugin must run in older hosts.
     */
    int (*fail_with)(struct marathon_call *call, const struct marathon_failure *failure);
};

struct marathon_function {
    const char *name; /* as pipelines name it */
    /* Returns enum marathon_return; anything else is a transient failure. */
    int (*run)(struct marathon_call *call);
};

struct marathon_plugin {
    uint32_t abi; /* MARATHON_PLUGIN_ABI of the plugin's build */
    const char *name;
    const struct marathon_function *functions; /* ends with {NULL, NULL} */
};

extern const struct marathon_plugin marathon_plugin;

#ifdef __cplusplus
}
#endif

#endif
