/* What runners (run/) and the agent tell each other about a running function. Runners name an
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
    unix_ms deadline; /* for the envelope only; the agent itself enforces the time limit */
    struct buf *kept; /* what the order's keeper has kept; the runner may take it and leave an empty
                         one; NULL: the order did not have to wait */
};

/* Keeps the payload of an order that has to wait for a slot: it is copied out of its message once,
 * to where its function will get it from. Pure. */
struct order_keeper {
    /* Copies what will be needed of the order's input, results and checkpoint to out, which is
     * empty, and leaves no slice that points to where they were. */
    void (*keep)(const void *user, struct step_order *order, struct buf *out);
    const void *user;
};

/* The keeper for functions that look at the order itself: copies the three, one after the other. */
void order_keep_plain(const void *user, struct step_order *order, struct buf *out);

/* What a function says of its failure. */
struct attempt_error {
    bool given;
    struct bytes code;    /* the function's own code, of the characters of ids; empty = none */
    struct bytes message; /* empty = none */
    int retryable;        /* 1, 0; -1 = not said */
    uint32_t retry_after_ms;
};

/* runner -> agent, any number of times while it runs. */
struct attempt_news {
    double fraction;         /* 0..1; negative = not reported */
    struct bytes message;    /* empty = not reported */
    struct bytes checkpoint; /* JSON, empty = none */
    struct buf *holder; /* the buffer in which only the checkpoint lies: the agent may take it and
                           leave an empty one; NULL: none, the checkpoint is copied */
    struct bytes log;   /* the current end of its log; empty = nothing new */
    struct attempt_error error; /* its error so far; the runner keeps it for the attempt's end */
    struct usage_part usage;    /* usage since its last report; all zero = none */
};

/* runner -> agent, exactly once. */
struct attempt_result {
    bool ok;
    struct bytes result; /* ok: one JSON value, checked, at most RESULT_BYTES_MAX */
    struct buf *holder;  /* ok: the buffer in which only the result lies: the agent may take it and
                            leave an empty one; NULL: none, the result is copied */
    enum code code;      /* not ok */
    /* not ok: a text for people, followed by the end of the log; at most ERROR_BYTES_MAX */
    struct bytes message;
    bool permanent;             /* not ok: do not try again */
    struct bytes function_code; /* not ok: the function's own code, empty = none */
    uint32_t retry_after_ms;    /* not ok: least time before the next attempt; 0 = not said */
    uint64_t bad_lines;         /* lines of its news that were ignored */
    const char *bad_line;       /* what is wrong with the first of these; a static text */
    bool not_begun; /* not ok: this worker lacked the means (descriptors, memory) to begin; another
                       worker, or this one a moment later, may succeed. message says what was
                       lacking */
};

#endif
