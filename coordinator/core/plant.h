/* Bugs that the simulator plants to see that its checker finds them (tests/sim/planted.c). Only a
 * second build of these sources, with MARATHON_PLANT, knows them; in every other build planted() is
 * a constant and nothing of it is left. */
#ifndef MARATHON_CORE_PLANT_H
#define MARATHON_CORE_PLANT_H

enum plant {
    PLANT_NONE,
    PLANT_REPLY_BEFORE_COMMIT,    /* answers do not wait for the write they tell of */
    PLANT_ACK_BEFORE_DURABLE,     /* the worker may forget a result that is not stored */
    PLANT_EVENT_BEFORE_DURABLE,   /* watchers are told before the store is */
    PLANT_DEATH_IS_ATTEMPT,       /* a worker's death counts as a failed attempt */
    PLANT_TOKEN_UNCHECKED,        /* any outcome will do */
    PLANT_TIMER_LOST_AT_TAKEOVER, /* a retry that waits is forgotten with its coordinator */
    PLANT_SUCCESS_OVERWRITTEN,    /* the last success wins, not the first */
    PLANT_GENERATION_KEPT,        /* what runs again may be answered by old attempts */
    PLANT_DELIVERY_KEPT,          /* a stopped attempt fails the one after a recover */
    PLANT_LEASE_UNCHECKED,        /* an owner never doubts its lease */
    PLANT_SEQ_HOLE,               /* an event's number is skipped */
    PLANT_WAIT_NOT_DOUBLED,       /* every retry waits 2 s */
    PLANT_KEY_OF_ATTEMPT,         /* each attempt has an idempotency key of its own */
    PLANT_RUNNING_FORGOTTEN,      /* a dead worker's steps wait for it for ever */
    PLANT_LATE_SUCCESS,           /* a success of a superseded attempt is thrown away */
    PLANT_NEEDS_IGNORED,          /* a join runs after the first of its needs */
    PLANT_PAUSE_FORGOTTEN,        /* a takeover lets a paused task run on */
    PLANT_PAUSE_LEAKS,            /* what waits for a worker when its task is paused is sent out */
    PLANT_FINALLY_FORGOTTEN,      /* a task that fails ends without its finally steps */
    PLANT_SKIP_FORGOTTEN,         /* on_failure skip fails the task all the same */
    PLANT_WAIT_TIMER_LOST,        /* a wait's end is forgotten with its coordinator */
    PLANT_SIGNAL_SWALLOWED,       /* an early signal is of the step that keeps it, skipped or not */
    PLANT_EARLY_SIGNAL_LOST,      /* a signal before its step's turn is in memory only */
    PLANT_WHEN_IGNORED,           /* a step whose condition is false runs all the same */
    PLANT_SKIPPED_RUNS_AGAIN,     /* a takeover forgets which steps were skipped */
    PLANT_DEAD_LETTER_LOST,       /* a dead letter is in no index */
    PLANT_DEAD_LETTER_KEPT,       /* one stays when its task lives again: in the store's model */
    PLANT_DEATHS_KEPT,            /* a recovered step's deaths do not count from 0 */
    PLANT_AUDIT_BLIND,            /* the auditor finds how the store holds a task, and leaves it */
    PLANT_TOTAL_FORGOTTEN,        /* a step is tried beyond its timeout_total */
    PLANT_RETRY_ON_IGNORED,       /* whatever fails is tried again, listed or not */
    PLANT_USAGE_TWICE,            /* a takeover forgets what running attempts have said */
    PLANT_USAGE_LOST,             /* what an attempt says only at its end is not counted */
    PLANT_BUDGET_IGNORED,         /* whatever was spent, steps are sent out */
    PLANT_BUDGET_FORGOTTEN,       /* how many attempts were made is lost at a takeover */
    PLANT_RESERVE_FORGOTTEN,      /* what is under way is not reserved */
    PLANT_JOIN_CUT,               /* a pipeline within gives the result of one of its last steps */
    PLANT_LABELS_IGNORED,         /* any worker that offers the function will do */
    PLANT_ROLLBACK_UNSEEN,        /* nobody compares what the store says with what it said */
    PLANT_UNSEEN_IS_GONE,         /* what is not seen of the store is taken for empty */
    PLANT_ITEM_RUNS_AGAIN,        /* a takeover forgets which items are done */
    PLANT_ITEM_MISPLACED,         /* an item's result is stored as its neighbour's */
    PLANT_PARALLEL_IGNORED,       /* all items are under way at once */
    PLANT_TOLERATE_IGNORED,       /* the first item that fails ends its step */
    PLANT_ITEMS_REDONE,           /* a recover runs items again that are done */
    PLANT_EXHAUSTED_NOT_DEAD,     /* on_exhausted dead_letter fails the task, and that is all */
    PLANT_FORK_KEEPS_MORE,        /* a fork has results of what runs again */
    PLANT_FORK_KEEPS_LESS,        /* a fork loses the first of its results */
    PLANT_WAIT_CUT,               /* a wait whose time is an expression ends at once */
    PLANT_PIN_IGNORED,            /* a start that names a version runs the newest */
    PLANT_PIPELINE_UNSEEN,        /* what others have stored is refused, not looked for */
    PLANT_CHECKPOINT_EARLY,       /* what a step has saved is shown before it is stored */
    PLANT_LIMIT_IGNORED,          /* a step runs though the store says that its key is full */
    PLANT_RATE_IGNORED,           /* a rate lets all pass */
    PLANT_LIMIT_FORGOTTEN,        /* a takeover does not keep the places of what runs */
    PLANT_CLAIMS_UNAWAITED,       /* a takeover waits for no worker's answer */
    PLANT_CLAIMS_IGNORED,         /* what workers say that they run runs elsewhere too */
    PLANT_CROSSING_LOST,     /* what it does not list, and is on its way to it, runs elsewhere */
    PLANT_RECOVER_REPEATED,  /* a recover that is sent again recovers again */
    PLANT_SIGNAL_UNCOMPARED, /* a key answers for other data than it came with */
    PLANT_SILENCE_UNTOLD,    /* a worker is not told how long an attempt may give no news */
    PLANT_FORSAKEN_LIVES,    /* a takeover lets tasks go on though recovery is switched off */
    PLANT_STANDBY_WISHES,    /* a standby asks for a share of the partitions */
    PLANT_STOP_UNMARKED,     /* a STOP because others have it is told like one because it is over */
    PLANT_CORE_COUNT
};

#ifdef MARATHON_PLANT
extern enum plant core_plant; /* the one that is planted */
#define planted(plant) (core_plant == (plant))
#else
#define planted(plant) 0
#endif

#endif
