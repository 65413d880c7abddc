/* bench_store: our own fenced rows against Redis, with nothing else around: what the engine could
 * reach if all but Redis cost nothing. Each row is what a completed step writes. Prints JSON. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "store/store.h"

#define WINDOW      512u  /* rows under way: two batches and what gathers behind them */
#define WINDOW_WIDE 4096u /* of several nodes */
#define LONE_ROWS   400u
#define PARTITION   7u
#define HEAD_BYTES  60u /* what record.c makes of a task, a step and an event, about */
#define STEP_BYTES  30u
#define EVENT_BYTES 50u

enum phase { CLAIMING, ADMITTING, UPDATING, LONE };

struct bench {
    struct loop *loop;
    struct store *store;
    struct fence fence;
    enum phase phase;
    bool up;
    bool spread; /* over all partitions: a cluster has them on several nodes */
    unsigned run, tasks, rounds, payload, given, answered;
    uint64_t write_id;
    char filler[1u << 20];
    int64_t began, lone_sent;
    double rows_per_second;
    int64_t lone_us[LONE_ROWS];
};

static void give_up(const char *why)
{
    fprintf(stderr, "bench_store: %s\n", why);
    _exit(1);
}

static struct bytes filler(const struct bench *b, size_t len)
{
    return bytes_of(b->filler, len);
}

static partition_id partition_of(const struct bench *b, unsigned task)
{
    return b->spread ? (partition_id)(task % PARTITION_COUNT) : PARTITION;
}

static void send_claim(struct bench *b, unsigned n)
{
    struct store_row row = {.kind = ROW_CLAIM,
                            .write_id = ++b->write_id,
                            .partition = partition_of(b, n),
                            .claim_absent = b->run == 0,
                            .claim = b->fence,
                            .owner = BYTES_LIT("bench")};
    row.fence = (struct fence){.epoch = b->run};
    memset(row.fence.nonce, (int)b->run, NONCE_BYTES);
    b->store->ops->write(b->store, &row);
}

/* With a key, as the gateway gives one to each start that has none. */
static void send_admit(struct bench *b, unsigned task)
{
    char id[32] = {0}; /* all of it is the key */
    (void)snprintf(id, sizeof id, "r%u-%u", b->run, task);
    struct store_row row = {.kind = ROW_ADMIT,
                            .write_id = ++b->write_id,
                            .partition = partition_of(b, task),
                            .fence = b->fence,
                            .task_id = bytes_str(id),
                            .idempotency_key = bytes_of(id, sizeof id),
                            .body_hash = filler(b, sizeof id),
                            .idempotency_ttl_s = 60,
                            .idempotency_brief = true,
                            .doc_whole = true,
                            .head = filler(b, HEAD_BYTES),
                            .spec = filler(b, 600),
                            .input = BYTES_LIT("{}"),
                            .created_at = 1};
    row.doc[0] = BYTES_LIT("{\"results\":{");
    row.doc[2] = filler(b, 200);
    b->store->ops->write(b->store, &row);
}

/* The last of a task's rounds ends it. */
static void send_update(struct bench *b, unsigned task, unsigned round)
{
    char id[32];
    (void)snprintf(id, sizeof id, "r%u-%u", b->run, task);
    struct row_step step = {round, parts_whole(filler(b, STEP_BYTES))};
    struct row_event events[2] = {{2 * round + 1, parts_whole(filler(b, EVENT_BYTES))},
                                  {2 * round + 2, parts_whole(filler(b, EVENT_BYTES))}};
    struct store_row row = {.kind = ROW_UPDATE,
                            .write_id = ++b->write_id,
                            .partition = partition_of(b, task),
                            .fence = b->fence,
                            .task_id = bytes_str(id),
                            .version = round + 1,
                            .stored_seq = 2 * (uint64_t)round,
                            .stored_doc_bytes = 12 + (uint64_t)round * b->payload + 200,
                            .head = filler(b, HEAD_BYTES),
                            .steps = &step,
                            .step_count = 1,
                            .events = events,
                            .event_count = 2,
                            .doc_offset = 12 + (uint64_t)round * b->payload};
    row.doc[1] = filler(b, b->payload);
    row.doc[2] = filler(b, 200);
    if (round + 1 == b->rounds) {
        row.life = LIFE_END;
        row.ttl_s = 3600;
    }
    b->store->ops->write(b->store, &row);
}

static unsigned rows_of(const struct bench *b)
{
    switch (b->phase) {
    case CLAIMING:
        return b->spread ? PARTITION_COUNT : 1;
    case ADMITTING:
        return b->tasks;
    case UPDATING:
        return b->tasks * b->rounds;
    case LONE:
        return LONE_ROWS;
    }
    return 0;
}

static void send_next(struct bench *b)
{
    unsigned n = b->given++;
    switch (b->phase) {
    case CLAIMING:
        send_claim(b, n);
        break;
    case ADMITTING:
        send_admit(b, n);
        break;
    case UPDATING:
        send_update(b, n % b->tasks, n / b->tasks);
        break;
    case LONE:
        b->lone_sent = clock_mono_us();
        send_update(b, n % b->tasks, b->rounds + n / b->tasks);
        break;
    }
}

static void fill(struct bench *b)
{
    unsigned window = b->phase == LONE ? 1 : b->spread ? WINDOW_WIDE : WINDOW;
    while (b->given < rows_of(b) && b->given - b->answered < window) {
        send_next(b);
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void next_phase(struct bench *b)
{
    if (b->phase == UPDATING) {
        b->rows_per_second = b->given / ((double)(clock_mono_us() - b->began) / 1e6);
        if (b->spread) {
            printf("{\"rows_per_second\":%.0f}\n", b->rows_per_second);
            (void)fflush(stdout);
            _exit(0);
        }
    }
    if (b->phase == LONE) {
        qsort(b->lone_us, LONE_ROWS, sizeof *b->lone_us, by_value);
        printf("{\"rows_per_second\":%.0f,\"lone_us\":%lld}\n", b->rows_per_second,
               (long long)b->lone_us[LONE_ROWS / 2]);
        (void)fflush(stdout);
        _exit(0);
    }
    b->phase++;
    b->given = b->answered = 0;
    b->began = clock_mono_us();
}

static void on_written(void *user, const struct store_written *written)
{
    struct bench *b = user;
    if (written->verdict != STORE_OK) {
        fprintf(stderr, "bench_store: phase %d, verdict %d\n", (int)b->phase,
                (int)written->verdict);
        _exit(1);
    }
    if (b->phase == LONE) {
        b->lone_us[b->answered] = clock_mono_us() - b->lone_sent;
    }
    if (++b->answered == rows_of(b)) {
        next_phase(b);
    }
}

static void on_up(void *user, const uint8_t secret[SECRET_BYTES])
{
    struct bench *b = user;
    (void)secret;
    b->up = true;
}

static void on_down(void *user, const char *why)
{
    (void)user;
    give_up(why);
}

static void on_admission(void *user, const char *why)
{
    (void)user;
    if (why != NULL) {
        give_up(why);
    }
}

static void on_read(void *user, const struct store_answer *answer)
{
    (void)user;
    (void)answer;
}

static void on_pipeline(void *user, struct bytes source, uint32_t version)
{
    (void)user;
    (void)source;
    (void)version;
}

static void on_turn_end(void *user)
{
    struct bench *b = user;
    if (b->up) {
        fill(b);
    }
    b->store->ops->flush(b->store);
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"redis", 1, NULL, 'r'},    {"payload", 1, NULL, 'p'}, {"tasks", 1, NULL, 't'},
        {"run", 1, NULL, 'n'},      {"rounds", 1, NULL, 's'},  {"relaxed", 1, NULL, 'x'},
        {"replicas", 1, NULL, 'w'}, {"spread", 1, NULL, 'd'},  {NULL, 0, NULL, 0}};
    static struct bench bench = {.tasks = 4000, .rounds = 5 /* as W1's steps */, .payload = 1024};
    struct bench *b = &bench;
    struct store_redis_options options = {.url = NULL, .deadline_ms = 60000};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        unsigned n = optarg != NULL ? (unsigned)strtoul(optarg, NULL, 10) : 0;
        options.url = c == 'r' ? optarg : options.url;
        options.relaxed = c == 'x' ? n == 1 : options.relaxed;
        options.replicas = c == 'w' ? n : options.replicas;
        b->payload = c == 'p' ? n : b->payload;
        b->tasks = c == 't' ? n : b->tasks;
        b->run = c == 'n' ? n : b->run;
        b->rounds = c == 's' ? n : b->rounds;
        b->spread = c == 'd' ? n == 1 : b->spread;
    }
    if (options.url == NULL || b->tasks == 0 || b->payload > sizeof b->filler) {
        give_up("usage: bench_store --redis URL [--payload N] [--tasks N] [--rounds N] [--run N] "
                "[--relaxed 1] [--replicas N] [--spread 1]");
    }
    memset(b->filler, 'x', sizeof b->filler);
    b->fence.epoch = b->run + 1;
    memset(b->fence.nonce, (int)b->run + 1, NONCE_BYTES);
    b->loop = loop_create();
    const char *why = NULL;
    struct store_handler handler = {.up = on_up,
                                    .down = on_down,
                                    .written = on_written,
                                    .read = on_read,
                                    .admission = on_admission,
                                    .pipeline = on_pipeline,
                                    .user = b};
    if (store_redis_create(b->loop, &options, handler, &b->store, &why) != ERR_OK) {
        give_up(why);
    }
    loop_on_turn_end(b->loop, on_turn_end, b);
    loop_run(b->loop);
    return 1;
}
