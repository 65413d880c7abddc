/* sim_planted [COUNT]: plants one bug after the other, and checks that the simulator finds it
 * within COUNT worlds. Each bug gets a process of its own, since finding it ends the program, by an
 * invariant or an assertion of the core. A death by any other signal does not count as a finding,
 * and is reported. sim_planted --plant NUMBER --seed N: one world with one of the bugs, in this
 * process. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/plant.h"
#include "run.h"
#include "world.h"

#define WORLDS_DEFAULT 2000
#define NONE_FOUND     111       /* exit status of a child that found nothing */
#define SEED           "  seed " /* precedes the seed in a child's output */

enum plant core_plant = PLANT_NONE;

static uint64_t *running_seed;

static const struct {
    const char *name;
    enum plant core;
    bool fence, ttl; /* in the model of the store */
} plants[] = {
    {"a reply before its commit", PLANT_REPLY_BEFORE_COMMIT, false, false},
    {"an acknowledgement before it is durable", PLANT_ACK_BEFORE_DURABLE, false, false},
    {"an event told before it is durable", PLANT_EVENT_BEFORE_DURABLE, false, false},
    {"a death counted as an attempt", PLANT_DEATH_IS_ATTEMPT, false, false},
    {"tokens not checked", PLANT_TOKEN_UNCHECKED, false, false},
    {"a retry's timer lost at a takeover", PLANT_TIMER_LOST_AT_TAKEOVER, false, false},
    {"the first success overwritten", PLANT_SUCCESS_OVERWRITTEN, false, false},
    {"the generation kept when results go", PLANT_GENERATION_KEPT, false, false},
    {"the delivery kept over a recover", PLANT_DELIVERY_KEPT, false, false},
    {"leases not checked", PLANT_LEASE_UNCHECKED, false, false},
    {"a hole in seq", PLANT_SEQ_HOLE, false, false},
    {"waits not doubled", PLANT_WAIT_NOT_DOUBLED, false, false},
    {"an idempotency key for each attempt", PLANT_KEY_OF_ATTEMPT, false, false},
    {"a dead worker's steps forgotten", PLANT_RUNNING_FORGOTTEN, false, false},
    {"a superseded attempt's success refused", PLANT_LATE_SUCCESS, false, false},
    {"a join after the first of its needs", PLANT_NEEDS_IGNORED, false, false},
    {"a pause forgotten at a takeover", PLANT_PAUSE_FORGOTTEN, false, false},
    {"a paused task's ready step sent out", PLANT_PAUSE_LEAKS, false, false},
    {"finally steps forgotten at a failure", PLANT_FINALLY_FORGOTTEN, false, false},
    {"on_failure skip that fails the task", PLANT_SKIP_FORGOTTEN, false, false},
    {"a wait's timer lost at a takeover", PLANT_WAIT_TIMER_LOST, false, false},
    {"an early signal swallowed by a step that is not reached", PLANT_SIGNAL_SWALLOWED, false,
     false},
    {"an early signal kept in memory only", PLANT_EARLY_SIGNAL_LOST, false, false},
    {"a step that runs though its condition fails", PLANT_WHEN_IGNORED, false, false},
    {"skipped steps run after a takeover", PLANT_SKIPPED_RUNS_AGAIN, false, false},
    {"a dead letter that nobody lists", PLANT_DEAD_LETTER_LOST, false, false},
    {"deaths kept over a requeue", PLANT_DEATHS_KEPT, false, false},
    {"an auditor that mends nothing", PLANT_AUDIT_BLIND, false, false},
    {"timeout_total forgotten", PLANT_TOTAL_FORGOTTEN, false, false},
    {"retry.on and non_retryable ignored", PLANT_RETRY_ON_IGNORED, false, false},
    {"a pipeline within that joins one of its steps", PLANT_JOIN_CUT, false, false},
    {"labels that a step requires ignored", PLANT_LABELS_IGNORED, false, false},
    {"a store that goes back unseen", PLANT_ROLLBACK_UNSEEN, false, false},
    {"a part of the store that is away taken for empty", PLANT_UNSEEN_IS_GONE, false, false},
    {"done items run again after a takeover", PLANT_ITEM_RUNS_AGAIN, false, false},
    {"an item's result in its neighbour's place", PLANT_ITEM_MISPLACED, false, false},
    {"max_parallel ignored", PLANT_PARALLEL_IGNORED, false, false},
    {"tolerate ignored", PLANT_TOLERATE_IGNORED, false, false},
    {"done items run again by a recover", PLANT_ITEMS_REDONE, false, false},
    {"a step out of attempts is no dead letter", PLANT_EXHAUSTED_NOT_DEAD, false, false},
    {"a fork with results of what runs again", PLANT_FORK_KEEPS_MORE, false, false},
    {"a fork without the first of its results", PLANT_FORK_KEEPS_LESS, false, false},
    {"a wait by an expression cut short", PLANT_WAIT_CUT, false, false},
    {"a start's version ignored", PLANT_PIN_IGNORED, false, false},
    {"a pipeline not looked for in the store", PLANT_PIPELINE_UNSEEN, false, false},
    {"a progress checkpoint shown before it is stored", PLANT_CHECKPOINT_EARLY, false, false},
    {"usage counted again after a takeover", PLANT_USAGE_TWICE, false, false},
    {"usage of an attempt's end not counted", PLANT_USAGE_LOST, false, false},
    {"a budget that is ignored", PLANT_BUDGET_IGNORED, false, false},
    {"attempts forgotten at a takeover", PLANT_BUDGET_FORGOTTEN, false, false},
    {"what is under way not reserved", PLANT_RESERVE_FORGOTTEN, false, false},
    {"a concurrency limit ignored", PLANT_LIMIT_IGNORED, false, false},
    {"places of what runs forgotten at a takeover", PLANT_LIMIT_FORGOTTEN, false, false},
    {"a rate that lets all pass", PLANT_RATE_IGNORED, false, false},
    {"a takeover that waits for no claims", PLANT_CLAIMS_UNAWAITED, false, false},
    {"claims that are ignored", PLANT_CLAIMS_IGNORED, false, false},
    {"an order on its way taken for lost", PLANT_CROSSING_LOST, false, false},
    {"a recover that is sent again recovers again", PLANT_RECOVER_REPEATED, false, false},
    {"a signal's key that answers for other data", PLANT_SIGNAL_UNCOMPARED, false, false},
    {"no limit to an attempt's silence", PLANT_SILENCE_UNTOLD, false, false},
    {"a task that goes on though recovery is switched off", PLANT_FORSAKEN_LIVES, false, false},
    {"a standby that asks for its share", PLANT_STANDBY_WISHES, false, false},
    {"a STOP of what others have like one of what is over", PLANT_STOP_UNMARKED, false, false},
    {"fences ignored by the store", PLANT_NONE, true, false},
    {"the TTL on a live key", PLANT_NONE, false, true},
    {"a dead letter listed while its task lives", PLANT_DEAD_LETTER_KEPT, false, false},
};

static void on_abort(int signal)
{
    (void)signal;
    char text[64];
    int n = snprintf(text, sizeof text, SEED "%llu: ", (unsigned long long)*running_seed);
    ssize_t written = write(1, text, (size_t)n);
    (void)written;
    _exit(1);
}

static void run_planted(uint64_t seed)
{
    *running_seed = seed;
    world_run(seed, false, NULL);
}

static void set_plant(size_t plant)
{
    core_plant = plants[plant].core;
    store_model_plant(plants[plant].fence, plants[plant].ttl, core_plant == PLANT_DEAD_LETTER_KEPT);
}

/* The child: what it prints to stderr is the finding. */
_Noreturn static void look(size_t plant, uint64_t worlds, int out)
{
    set_plant(plant);
    signal(SIGABRT, on_abort);
    dup2(out, 2);
    dup2(out, 1);
    for (uint64_t seed = 1; seed <= worlds; seed++) {
        run_planted(seed);
    }
    _exit(NONE_FOUND);
}

static bool found(size_t plant, uint64_t worlds)
{
    int ends[2];
    char text[4096] = "";
    size_t have = 0;
    if (pipe(ends) != 0) {
        die("pipe");
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        look(plant, worlds, ends[1]);
    }
    close(ends[1]);
    for (;;) {
        ssize_t n = read(ends[0], text + have, sizeof text - 1 - have);
        if (n <= 0) {
            break;
        }
        have = have + (size_t)n < sizeof text - 1 ? have + (size_t)n : 0;
    }
    close(ends[0]);
    text[have] = '\0';
    const char *seed = strstr(text, SEED);
    uint64_t at = seed == NULL ? 0 : strtoull(seed + strlen(SEED), NULL, 10);
    text[strcspn(text, "\n")] = '\0';
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        printf("DIED   %4llu %-40s by signal %d (%s); again: sim_planted --plant %zu --seed %llu\n",
               (unsigned long long)*running_seed, plants[plant].name, WTERMSIG(status),
               strsignal(WTERMSIG(status)), plant, (unsigned long long)*running_seed);
        return false;
    }
    bool caught = WEXITSTATUS(status) != NONE_FOUND;
    printf("%-6s %4llu %-40s %.110s\n", caught ? "caught" : "MISSED", (unsigned long long)at,
           plants[plant].name, text);
    return caught;
}

int main(int argc, char **argv)
{
    size_t count = sizeof plants / sizeof plants[0];
    size_t caught = 0;
    running_seed = run_share_seeds(1);
    if (argc == 5 && strcmp(argv[1], "--plant") == 0 && strcmp(argv[3], "--seed") == 0 &&
        strtoull(argv[2], NULL, 10) < count) {
        set_plant(strtoull(argv[2], NULL, 10));
        run_planted(strtoull(argv[4], NULL, 10));
        return 0;
    }
    uint64_t worlds = argc > 1 ? strtoull(argv[1], NULL, 10) : WORLDS_DEFAULT;
    for (size_t i = 0; i < count; i++) {
        caught += found(i, worlds);
    }
    printf("%zu of %zu planted bugs caught within %llu worlds each\n", caught, count,
           (unsigned long long)worlds);
    return caught == count ? 0 : 1;
}
