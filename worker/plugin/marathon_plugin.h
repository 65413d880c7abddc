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

/* The return value of a function; complete() and fail() return the one to pass on. */
enum marathon_return {
    MARATHON_DONE = 0,       /* complete() or fail() was called */
    MARATHON_TRY_AGAIN = 75, /* transient failure; fail() may have given the message */
    MARATHON_PERMANENT = 65, /* permanent failure: not retried */
};

/* A failure with details; see fail_with(). Zero-initialise it. */
struct marathon_failure {
    const char *code;     /* the function's own error code, of A-Z a-z 0-9 _ . : -; may be NULL */
    const char *message;  /* may be NULL */
    int permanent;        /* != 0: not retried */
    double retry_after_s; /* > 0: no retry earlier than that; an hour at most is honoured */
};

/* One call. The host owns it; it lives until the function returns. Only the calling thread may use
 * it. */
struct marathon_call {
    uint32_t abi; /* MARATHON_PLUGIN_ABI of the host: at least the plugin's */
    /* JSON with task_id, step_id, name, attempt, idempotency_key, input, results,
     * progress_checkpoint and deadline; NUL-terminated. */
    const char *envelope;
    size_t envelope_len;
    /* Sets the result: one JSON value, copied. Returns MARATHON_DONE. The last call wins. */
    int (*complete)(struct marathon_call *call, const char *json, size_t len);
    /* Sets the error message: NUL-terminated, copied. Returns MARATHON_PERMANENT if permanent != 0,
     * else MARATHON_TRY_AGAIN. */
    int (*fail)(struct marathon_call *call, const char *message, int permanent);
    /* Reports progress; fraction 0..1, message may be NULL. */
    void (*progress)(struct marathon_call *call, double fraction, const char *message);
    /* Saves a progress checkpoint: one JSON value, which the next attempt finds in its envelope. */
    void (*checkpoint)(struct marathon_call *call, const char *json, size_t len);
    /* Reports what the call has used since the last report; model may be NULL. */
    void (*usage)(struct marathon_call *call, const char *model, int64_t input_tokens,
                  int64_t output_tokens, double cost_usd);
    void *host; /* private to the host */
    /* Since ABI 2: fail() with details. A plugin that must also run in older hosts checks call->abi
     * >= 2 first. */
    int (*fail_with)(struct marathon_call *call, const struct marathon_failure *failure);
};

struct marathon_function {
    const char *name; /* the name used in pipelines */
    /* Returns enum marathon_return; any other value is a transient failure. */
    int (*run)(struct marathon_call *call);
};

struct marathon_plugin {
    uint32_t abi; /* MARATHON_PLUGIN_ABI that the plugin was built with */
    const char *name;
    const struct marathon_function *functions; /* ends with {NULL, NULL} */
};

extern const struct marathon_plugin marathon_plugin;

#ifdef __cplusplus
}
#endif

#endif
