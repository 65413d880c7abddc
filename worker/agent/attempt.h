/* What runners (run/) and the agent tell each other about a running function. Runners identify an
 * attempt by the number that the agent gave it. Slices are borrowed for the call. */
#ifndef MARATHON_AGENT_ATTEMPT_H
#define MARATHON_AGENT_ATTEMPT_H

#include "base/bytes.h"
#include "base/clock.h"
#include "model/message.h"

/* agent -> runner: run this. */
struct attempt_call {
    uint64_t number; /* number of the attempt, unique in the process */
    const struct step_order *order;
    unix_ms deadline; /* only for the envelope; the agent itself enforces the time limit */
    /* what the order's keeper has kept, which the runner may take, leaving an empty buffer; NULL:
     * the order did not have to wait */
    struct buf *kept;
};

/* Keeps the payload of an order that has to wait for a slot: copies it once from its message into
 * the form in which its function will receive it. Pure. */
struct order_keeper {
    /* Copies what will be needed of the order's input, results and checkpoint to out, which is
     * empty. Leaves no slice that points to the old place. */
    void (*keep)(const void *user, struct step_order *order, struct buf *out);
    const void *user;
};

/* The keeper for functions that look at the order itself: copies the three, one after the other. */
void order_keep_plain(const void *user, struct step_order *order, struct buf *out);

/* A failure as the function describes it. */
struct attempt_error {
    bool given;
    /* the function's own code, in the characters allowed for ids; empty = none */
    struct bytes code;
    struct bytes message; /* empty = none */
    int retryable;        /* 1, 0; -1 = not stated */
    uint32_t retry_after_ms;
};

/* runner -> agent, any number of times while it runs. */
struct attempt_news {
    double fraction;         /* 0..1; negative = not reported */
    struct bytes message;    /* empty = not reported */
    struct bytes checkpoint; /* JSON, empty = none */
    /* the buffer that contains only the checkpoint: the agent may take it, leaving an empty one;
     * NULL: none, the checkpoint is copied */
    struct buf *holder;
    struct bytes log; /* the current end of its log; empty = unchanged */
    /* the error reported so far; the runner keeps it for the attempt's end */
    struct attempt_error error;
    struct usage_part usage; /* usage since its last report; all zero = none */
};

/* runner -> agent, exactly once. */
struct attempt_result {
    bool ok;
    struct bytes result; /* ok: one JSON value, checked, at most RESULT_BYTES_MAX */
    /* ok: the buffer that contains only the result: the agent may take it, leaving an empty one;
     * NULL: none, the result is copied */
    struct buf *holder;
    enum code code; /* not ok */
    /* not ok: text for people, followed by the end of the log; at most ERROR_BYTES_MAX */
    struct bytes message;
    bool permanent;             /* not ok: do not try again */
    struct bytes function_code; /* not ok: the function's own code, empty = none */
    uint32_t retry_after_ms;    /* not ok: least time before the next attempt; 0 = not stated */
    uint64_t bad_lines;         /* lines of its news that were ignored */
    const char *bad_line;       /* what is wrong with the first of these; a static text */
    /* not ok: this worker lacked resources (descriptors, memory) to begin; another worker, or this
     * one a moment later, may succeed. message says what was lacking */
    bool not_begun;
};

#endif
