/* What a running function says: the words between the runners (run/) and the agent.
 * A runner names the attempt by the number that the agent gave it. Slices are borrowed for the call
 * that hands them over. */
#ifndef MARATHON_AGENT_ATTEMPT_H
#define MARATHON_AGENT_ATTEMPT_H

#include "base/bytes.h"
#include "base/clock.h"
#include "model/message.h"

/* agent -> runner: run this. */
struct attempt_call {
    uint64_t number; /* of the attempt, never used again in the process */
    const struct step_order *order;
    unix_ms deadline; /* for the envelope; the agent itself keeps the time limit */
    struct buf *kept; /* what the order's keeper has put there: the runner may take it and leave an
                         empty one; NULL: it never had to wait */
};

/* What becomes of the payload of an order that has to wait for a slot: it is copied out of its
 * message once, to where its function is handed it from. Pure. */
struct order_keeper {
    /* Puts what will be wanted of the order's input, results and checkpoint into out, which is
     * empty, and leaves no slice to where they were. */
    void (*keep)(const void *user, struct step_order *order, struct buf *out);
    const void *user;
};

/* The keeper of functions that look at the order itself: the three one behind the other. */
void order_keep_plain(const void *user, struct step_order *order, struct buf *out);

/* What a function says of its failure. */
struct attempt_error {
    bool given;
    struct bytes code;    /* its own, of an id's alphabet; empty = none */
    struct bytes message; /* empty = none */
    int retryable;        /* 1, 0; -1 = not said */
    uint32_t retry_after_ms;
};

/* runner -> agent, any number of times while it runs. */
struct attempt_news {
    double fraction;         /* 0..1, negative = not said */
    struct bytes message;    /* empty = not said */
    struct bytes checkpoint; /* JSON, empty = none */
    struct buf *holder;      /* what the checkpoint lies in, and nothing else of use does: the agent
                                may take it and leave an empty one; NULL: none, it is copied */
    struct bytes log;        /* the end of its log as it is now; empty = nothing new */
    struct attempt_error error; /* kept by the runner for the attempt's end */
    struct usage_part usage;    /* what it has used since it last said so; no sum = nothing */
};

/* runner -> agent, exactly once. */
struct attempt_result {
    bool ok;
    struct bytes result; /* ok: one JSON value, checked, at most RESULT_BYTES_MAX */
    struct buf *holder;  /* ok: what the result lies in, and nothing else of use does: the agent may
                            take it and leave an empty one; NULL: none, the result is copied */
    enum code code;      /* not ok */
    struct bytes
        message;    /* not ok: human text with the log tail behind it, at most ERROR_BYTES_MAX */
    bool permanent; /* not ok: do not try again */
    struct bytes function_code; /* not ok: the function's own code, empty = none */
    uint32_t retry_after_ms;    /* not ok: not before; 0 = not said */
    uint64_t bad_lines;         /* of its news, that were passed over */
    const char *bad_line;       /* what is wrong with the first of them; static */
    bool not_begun; /* not ok: this worker had not the means (descriptors, memory) to begin: another
                       may, or it in a moment; message says what it lacked */
};

#endif
