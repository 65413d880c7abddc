/* The tasks of a scripted coordinator: what it answers about them, and whom it tells of their
 * events. Nothing runs: a script on stdin says what is so (fake_coordinator.c). */
#ifndef MARATHON_TESTS_INTEGRATION_GATEWAY_FAKE_TASKS_H
#define MARATHON_TESTS_INTEGRATION_GATEWAY_FAKE_TASKS_H

#include "model/message.h"
#include "transport/transport.h"

#define FAKE_TASKS_MAX    512
#define FAKE_EVENTS_MAX   20000
#define FAKE_WATCHERS_MAX 8

struct fake_event {
    uint64_t seq;
    enum event_type type;
    enum task_state state;
    uint32_t pad; /* bytes of message */
};

struct fake_task {
    char id[129];
    uint32_t run, revision;
    enum task_state state;
    uint64_t seq, oldest;
    struct buf doc;
    struct fake_event *events;
    size_t event_count;
    conn_id watchers[FAKE_WATCHERS_MAX];
    size_t watcher_count;
    unsigned revise; /* so many reads of the document find it written anew */
};

typedef void fake_send(conn_id conn, const struct message *m);

struct fake_task *fake_task_find(struct bytes id);
struct fake_task *fake_task_set(const char *id);
void fake_task_results(struct fake_task *t, struct bytes results);
/* Adds an event to the history; tells the watchers unless hidden. */
void fake_task_event(struct fake_task *t, const struct fake_event *e, bool hidden, fake_send *send);
void fake_push(const struct fake_task *t, const struct fake_event *e, fake_send *send);
void fake_watchers_drop(conn_id conn);
/* The answer to a request about a task, in *ret_answer; pieces of it live until the next call. */
void fake_answer(conn_id conn, const struct message *m, struct message *ret_answer);

#endif
