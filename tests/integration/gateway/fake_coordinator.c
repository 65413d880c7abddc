/* A coordinator for the gateway's tests: speaks the real wire, does what a script on stdin says,
 * and tells on stdout what it was asked. own MASK [EPOCH]              owns those partitions (hex)
 * and says so task ID RUN STATE SEQ [FILE]  a task is so; FILE holds its results object events ID
 * COUNT TYPE STATE [hide] [PAD]   so many events follow in its history, told to watchers or not
 *   push ID SEQ TYPE STATE        tells watchers of an event that is nowhere else
 *   forget ID SEQ                 events up to it are not kept
 *   revise ID N                   N reads find the document written anew
 *   drop | mute 0/1 | quiet 0/1   closes all connections; answers nothing; beats no more
 *   lose TYPE                     does the next request of that type, then drops instead of
 * answering refuse CODE N                 refuses the next N requests
 *   lists MASK [anew]             its lists are about those partitions, whatever it owns, which it
 *                                 says anew before each
 *   long BYTES                    its lists are so long
 *   unheard TYPE | unheard -      does not answer requests of that type
 *   overtake ID TYPE STATE        an event follows, told before the next status, which is of before
 * Each line is answered with `ok`; each request is told as `got TYPE ID`. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "fake_tasks.h"
#include "wire/frame.h"

#define CONNS_MAX 16
#define BEAT_MS   300

static struct loop *loop;
static struct transport *transport;
static struct loop_timer *beat;
static conn_id conns[CONNS_MAX];
static uint64_t owned = UINT64_MAX, listed = UINT64_MAX;
static uint64_t epoch;     /* of all its claims; 0: it does not say */
static struct buf padding; /* of its lists */
static bool mute, quiet, anew;
static char lose[32], unheard[32];
static struct fake_task *overtaken; /* its next status is sent behind this event */
static struct fake_event overtaking;
static enum code refuse_code;
static unsigned refuse_left;

static void send_message(conn_id conn, const struct message *m)
{
    struct buf frame = {0};
    if (frame_encode(m, &frame) != ERR_OK) {
        die("a message of the script does not fit a frame");
    }
    (void)transport->ops->send(transport, conn, &(struct slices){.own = frame});
    buf_free(&frame);
}

static void owned_say(conn_id conn)
{
    struct message m = {.type = MSG_OWNED};
    m.owned.partitions = owned;
    struct owned_epoch epochs[PARTITION_COUNT];
    for (int i = 0; i < PARTITION_COUNT; i++) {
        epochs[i].epoch = epoch;
    }
    m.owned.epochs = epochs;
    m.owned.epoch_count = epoch > 0 ? (uint32_t)__builtin_popcountll(owned) : 0;
    send_message(conn, &m);
}

static void drop_all(void)
{
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (conns[i] != 0) {
            transport->ops->close(transport, conns[i]);
        }
    }
}

static void on_opened(void *user, conn_id conn, uint32_t dialer)
{
    (void)user;
    (void)dialer;
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (conns[i] == 0) {
            conns[i] = conn;
            return;
        }
    }
    transport->ops->close(transport, conn);
}

static void on_closed(void *user, conn_id conn, enum transport_closed why)
{
    (void)user;
    (void)why;
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (conns[i] == conn) {
            conns[i] = 0;
        }
    }
    fake_watchers_drop(conn);
}

/* As zlib's. */
static uint32_t adler32(struct bytes text)
{
    uint32_t low = 1, high = 0;
    for (size_t i = 0; i < text.len; i++) {
        low = (low + text.ptr[i]) % 65521;
        high = (high + low) % 65521;
    }
    return high << 16 | low;
}

/* One of the release before takes the question for a fork's key for a start, and looks for a
 * pipeline without a name for ever. */
static void on_key_asked(conn_id conn, const struct message *m)
{
    struct message r = {.type = MSG_REFUSED, .request = m->request};
    r.refused.code = CODE_UNKNOWN_PIPELINE;
    if (m->start.task_type.len > 0) {
        send_message(conn, &r);
    }
}

static void input_say(struct bytes input)
{
    (void)printf("input %zu %u\n", input.len, (unsigned)adler32(input));
}

/* One of the release before does not know that the fork has an input of its own. */
static void on_get_fork(conn_id conn, const struct message *m, bool is_older)
{
    struct message r = {.type = MSG_FORK, .request = m->request};
    r.start.task_type = BYTES_LIT("x");
    r.start.steps = BYTES_LIT("[{\"name\":\"a\",\"function\":\"f\"}]");
    r.start.fork_of = m->recover.task_id;
    r.start.input = is_older || !m->recover.own_input ? BYTES_LIT("{\"source\":1}") : BYTES_NONE;
    input_say(r.start.input);
    send_message(conn, &r);
}

static void on_start(conn_id conn, const struct message *m)
{
    struct message r = {.type = MSG_STARTED, .request = m->request};
    char *id = mem_str_bytes(m->start.task_id);
    (void)fake_task_set(id);
    char key[65];
    (void)printf("key %s\n", hex_encode(m->start.idempotency_key.ptr, 32, key));
    input_say(m->start.input);
    r.started.task_id = m->start.task_id;
    send_message(conn, &r);
    free(id);
}

static void answer_overtaken(conn_id conn, const struct message *m)
{
    struct message r = {0};
    struct buf frame = {0};
    fake_answer(conn, m, &r);
    if (frame_encode(&r, &frame) != ERR_OK) {
        die("a status of the script does not fit a frame");
    }
    fake_task_event(overtaken, &overtaking, false, send_message);
    (void)transport->ops->send(transport, conn, &(struct slices){.own = frame});
    buf_free(&frame);
    overtaken = NULL;
}

static void request_answer(conn_id conn, const struct message *m)
{
    struct message r = {0};
    if (refuse_left > 0) {
        refuse_left--;
        r.type = MSG_REFUSED;
        r.request = m->request;
        r.refused.code = refuse_code;
        send_message(conn, &r);
    } else if (m->type == MSG_START && m->start.fork_of.len > 0 && m->start.steps.len == 0) {
        on_key_asked(conn, m);
    } else if (m->type == MSG_START) {
        on_start(conn, m);
    } else if (m->type == MSG_GET_FORK && !bytes_is(m->recover.task_id, "none")) {
        on_get_fork(conn, m, bytes_is(m->recover.task_id, "older"));
    } else if (m->type == MSG_GET_READY) {
        r.type = MSG_READY;
        r.request = m->request;
        r.ready.ready = true;
        r.ready.partitions = owned;
        send_message(conn, &r);
    } else if (m->type == MSG_GET_LIST) {
        if (anew) {
            owned_say(conn);
        }
        r.type = MSG_LIST;
        r.request = m->request;
        r.list.partitions = listed;
        r.list.items = &(struct task_summary){.error = buf_bytes(&padding)};
        r.list.count = padding.len > 0;
        send_message(conn, &r);
    } else if (m->type == MSG_PUT_PIPELINE) {
        r.type = MSG_PIPELINE_STORED;
        r.request = m->request;
        r.stored.name = m->put_pipeline.name;
        r.stored.version = 1;
        r.stored.created = true;
        send_message(conn, &r);
    } else if (m->type == MSG_GET_PIPELINES) {
        r.type = MSG_PIPELINES;
        r.request = m->request;
        send_message(conn, &r);
    } else if (m->type == MSG_GET_STATUS && overtaken != NULL) {
        answer_overtaken(conn, m);
    } else {
        fake_answer(conn, m, &r);
        send_message(conn, &r);
    }
}

static void on_request(conn_id conn, const struct message *m)
{
    const char *name = message_type_name(m->type);
    (void)printf("got %s\n", name);
    if (m->type == MSG_UNWATCH || mute || strcmp(unheard, name) == 0) {
        return;
    }
    if (strcmp(lose, name) == 0) {
        struct message r;
        lose[0] = '\0';
        fake_answer(conn, m, &r); /* done, but nobody hears of it */
        transport->ops->close(transport, conn);
        return;
    }
    request_answer(conn, m);
}

static void on_frame(void *user, conn_id conn, struct bytes frame)
{
    (void)user;
    struct arena arena = {0};
    struct message m;
    if (frame_decode(frame, &arena, &m) != ERR_OK) {
        die("the gateway sent a frame that cannot be read");
    }
    if (m.type == MSG_HELLO) {
        struct message r = {.type = MSG_WELCOME};
        r.welcome.version = WIRE_VERSION;
        char id[32];
        (void)snprintf(id, sizeof id, "fake-%d", (int)getpid());
        r.welcome.id = bytes_str(id);
        send_message(conn, &r);
        owned_say(conn);
    } else if (m.type != MSG_BEAT) {
        on_request(conn, &m);
    }
    arena_free(&arena);
}

static void on_beat(void *user)
{
    (void)user;
    struct message m = {.type = MSG_BEAT};
    for (size_t i = 0; i < CONNS_MAX && !quiet; i++) {
        if (conns[i] != 0) {
            send_message(conns[i], &m);
        }
    }
    loop_timer_set(beat, loop_now(loop).mono + BEAT_MS);
}

/* ---- the script ---- */

static void file_read(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        die("cannot read %s", path);
    }
    for (size_t n = 1; n > 0; out->len -= 65536 - n) {
        n = fread(buf_extend(out, 65536), 1, 65536, f);
    }
    (void)fclose(f);
}

static enum task_state state_of(const char *name)
{
    enum task_state s;
    if (task_state_parse(bytes_str(name), &s) != ERR_OK) {
        die("no such state: %s", name);
    }
    return s;
}

static void do_task(char **w)
{
    struct fake_task *t = fake_task_set(w[1]);
    t->run = (uint32_t)atoi(w[2]);
    t->state = state_of(w[3]);
    t->seq = strtoull(w[4], NULL, 10);
    t->event_count = 0;
    t->oldest = t->seq + 1;
    if (w[5] != NULL) {
        struct buf results = {0};
        file_read(w[5], &results);
        fake_task_results(t, buf_bytes(&results));
        buf_free(&results);
    }
}

static void do_events(char **w)
{
    struct fake_task *t = fake_task_set(w[1]);
    bool hide = w[5] != NULL && strcmp(w[5], "hide") == 0;
    for (int i = 0; i < atoi(w[2]); i++) {
        struct fake_event e = {.seq = t->seq + 1,
                               .type = (enum event_type)atoi(w[3]),
                               .state = state_of(w[4]),
                               .pad = w[5] != NULL && w[6] != NULL ? (uint32_t)atoi(w[6]) : 0};
        if (t->oldest > e.seq || t->event_count == 0) {
            t->oldest = e.seq;
        }
        fake_task_event(t, &e, hide, send_message);
    }
}

static void do_word(char **w)
{
    if (strcmp(w[0], "lists") == 0) {
        listed = strtoull(w[1], NULL, 16);
        anew = w[2] != NULL;
    } else if (strcmp(w[0], "long") == 0) {
        size_t len = strtoull(w[1], NULL, 10);
        memset(buf_extend(&padding, len), 'x', len);
    } else if (strcmp(w[0], "own") == 0) {
        owned = listed = strtoull(w[1], NULL, 16);
        epoch = w[2] != NULL ? strtoull(w[2], NULL, 10) : 0;
        for (size_t i = 0; i < CONNS_MAX; i++) {
            if (conns[i] != 0) {
                owned_say(conns[i]);
            }
        }
    } else if (strcmp(w[0], "task") == 0) {
        do_task(w);
    } else if (strcmp(w[0], "events") == 0) {
        do_events(w);
    } else if (strcmp(w[0], "push") == 0) {
        struct fake_event e = {.seq = strtoull(w[2], NULL, 10),
                               .type = (enum event_type)atoi(w[3]),
                               .state = state_of(w[4])};
        fake_push(fake_task_set(w[1]), &e, send_message);
    } else if (strcmp(w[0], "forget") == 0) {
        fake_task_set(w[1])->oldest = strtoull(w[2], NULL, 10) + 1;
    } else if (strcmp(w[0], "revise") == 0) {
        fake_task_set(w[1])->revise = (unsigned)atoi(w[2]);
    } else if (strcmp(w[0], "drop") == 0) {
        drop_all();
    } else if (strcmp(w[0], "mute") == 0) {
        mute = atoi(w[1]) != 0;
    } else if (strcmp(w[0], "quiet") == 0) {
        quiet = atoi(w[1]) != 0;
    } else if (strcmp(w[0], "overtake") == 0) {
        overtaken = fake_task_set(w[1]);
        overtaking = (struct fake_event){.seq = overtaken->seq + 1,
                                         .type = (enum event_type)atoi(w[2]),
                                         .state = state_of(w[3])};
    } else if (strcmp(w[0], "unheard") == 0) {
        (void)snprintf(unheard, sizeof unheard, "%s", w[1]);
    } else if (strcmp(w[0], "lose") == 0) {
        (void)snprintf(lose, sizeof lose, "%s", w[1]);
    } else if (strcmp(w[0], "refuse") == 0) {
        refuse_code = code_parse(bytes_str(w[1]));
        refuse_left = (unsigned)atoi(w[2]);
    } else {
        die("no such word in the script: %s", w[0]);
    }
}

static void do_line(char *line)
{
    char *words[8] = {NULL};
    char *save = NULL;
    size_t n = 0;
    for (char *w = strtok_r(line, " ", &save); w != NULL && n < 7; w = strtok_r(NULL, " ", &save)) {
        words[n++] = w;
    }
    if (n > 0) {
        do_word(words);
        (void)printf("ok\n");
    }
}

static void on_stdin(void *user, int ready)
{
    (void)user;
    (void)ready;
    static struct buf input;
    ssize_t n = read(0, buf_extend(&input, 4096), 4096);
    input.len -= 4096 - (size_t)(n > 0 ? n : 0);
    if (n <= 0) {
        _exit(0); /* the test has ended */
    }
    uint8_t *end;
    while ((end = memchr(input.ptr, '\n', input.len)) != NULL) {
        *end = '\0';
        do_line((char *)input.ptr);
        buf_drop_front(&input, (size_t)(end - input.ptr) + 1);
    }
}

int main(int argc, char **argv)
{
    struct log_options log = {.role = "fake", .level = LOG_WARN};
    log_init(&log);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    loop = loop_create();
    transport = transport_nng_create(loop, 250);
    struct transport_handler h = {.opened = on_opened, .frame = on_frame, .closed = on_closed};
    if (argc != 2 || transport->ops->listen(transport, argv[1], h) != ERR_OK) {
        die("usage: fake_coordinator URL");
    }
    beat = loop_timer_create(loop, on_beat, NULL);
    on_beat(NULL);
    struct loop_watch *in = loop_watch_create(loop, 0, on_stdin, NULL);
    loop_watch_set(in, LOOP_READABLE);
    (void)printf("ok\n");
    loop_run(loop);
    return 0;
}
