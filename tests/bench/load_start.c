#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "load.h"

#define RETRY_MAX    100000u /* refusals (503, 429) that are tried again before it is given up */
#define LAST_WATCHED 8u      /* tasks that are long-polled for the end of all */

struct start_run {
    const struct load_options *o;
    unsigned units;  /* requests: tasks, or batches of them */
    unsigned next;   /* the next one that was never sent */
    unsigned *again; /* those to be sent again: a stack */
    unsigned again_count;
    unsigned done, refused, failed;
    int64_t first, submitted; /* CLOCK_BOOTTIME us */
    /* afterwards */
    bool *ended; /* tasks that were seen completed */
    unsigned ended_count, look;
    unix_ms last_completed;
    unsigned bad;
};

static void task_put(const struct start_run *r, struct buf *out, unsigned n)
{
    buf_addf(out, "{\"task_id\":\"%s%u\",%s", r->o->prefix, n, r->o->body + 1);
}

static bool start_next(void *user, struct buf *out, uint64_t *ret_tag)
{
    struct start_run *r = user;
    if (r->again_count == 0 && r->next == r->units) {
        return false;
    }
    unsigned unit = r->again_count > 0 ? r->again[--r->again_count] : r->next++;
    struct buf body = {0};
    if (r->o->batch > 0) {
        buf_add_str(&body, "{\"tasks\":[");
        unsigned from = unit * r->o->batch;
        for (unsigned n = from; n < from + r->o->batch && n < r->o->tasks; n++) {
            buf_add_str(&body, n > from ? "," : "");
            task_put(r, &body, n);
        }
        buf_add_str(&body, "]}");
    } else {
        task_put(r, &body, unit);
    }
    request_post(out, r->o->batch > 0 ? PREFIX "/start/batch" : PREFIX "/start", buf_bytes(&body));
    buf_free(&body);
    *ret_tag = unit;
    return true;
}

static void start_answer(void *user, const struct pool_answer *a)
{
    struct start_run *r = user;
    bool later = a->status == 503 || a->status == 429 || a->status == 0;
    if (later && r->refused++ < RETRY_MAX) {
        r->again[r->again_count++] = (unsigned)a->tag;
        return;
    }
    r->done++;
    if (a->status != 202 && a->status != 200) {
        if (r->failed++ == 0) {
            fprintf(stderr, "bench: a start was answered with %d %.*s\n", a->status,
                    (int)a->body.len, (const char *)a->body.ptr);
        }
    } else if (r->o->batch > 0 && memmem(a->body.ptr, a->body.len, "\"code\"", 6) != NULL) {
        r->failed++;
        fprintf(stderr, "bench: a batch was refused in part: %.*s\n", 400,
                (const char *)a->body.ptr);
    }
    r->submitted = clock_mono_us();
}

static void submit(struct start_run *r)
{
    r->again = mem_alloc((r->units + 1) * sizeof *r->again);
    r->first = clock_mono_us();
    struct pool *p = pool_open(r->o->port, r->o->conns, r->o->depth,
                               (struct pool_user){start_next, start_answer, r});
    while (r->done < r->units) {
        pool_turn(p, 100);
    }
    pool_close(p);
    free(r->again);
}

/* ---- the end of all, without asking much: only the last few are watched until they are over ----
 */

struct watch_run {
    struct start_run *start;
    unsigned from, next, ended;
    char tags[LAST_WATCHED][32]; /* ETags */
    bool asking[LAST_WATCHED], over[LAST_WATCHED];
};

static bool watch_next(void *user, struct buf *out, uint64_t *ret_tag)
{
    struct watch_run *w = user;
    for (unsigned i = 0; i < LAST_WATCHED && w->from + i < w->start->o->tasks; i++) {
        if (w->asking[i] || w->over[i]) {
            continue;
        }
        buf_addf(out,
                 "GET " PREFIX "/status/%s%u?wait=30s&results=false HTTP/1.1\r\nHost: bench\r\n",
                 w->start->o->prefix, w->from + i);
        if (w->tags[i][0] != '\0') {
            buf_addf(out, "If-None-Match: %s\r\n", w->tags[i]);
        }
        buf_add_str(out, "\r\n");
        w->asking[i] = true;
        *ret_tag = i;
        return true;
    }
    return false;
}

/* The task's own status stands before those of its steps. */
static bool status_is(struct bytes body, const char *state)
{
    const uint8_t *at = memmem(body.ptr, body.len, "\"status\":\"", 10);
    struct bytes rest =
        at != NULL ? bytes_part(body, (size_t)(at - body.ptr) + 10, strlen(state)) : BYTES_NONE;
    return bytes_is(rest, state);
}

static bool is_over(struct bytes body)
{
    return status_is(body, "completed") || status_is(body, "failed") ||
           status_is(body, "cancelled");
}

static void watch_answer(void *user, const struct pool_answer *a)
{
    struct watch_run *w = user;
    w->asking[a->tag] = false;
    if (a->status == 200 && is_over(a->body)) {
        w->over[a->tag] = true;
        w->ended++;
    }
    const char *tag = memmem(a->head.ptr, a->head.len, "\netag: ", 7);
    if (tag != NULL) {
        (void)snprintf(w->tags[a->tag], sizeof w->tags[0], "%.*s", (int)strcspn(tag + 7, "\r"),
                       tag + 7);
    }
}

static void await_last(struct start_run *r)
{
    struct watch_run w = {.start = r};
    unsigned count = r->o->tasks < LAST_WATCHED ? r->o->tasks : LAST_WATCHED;
    w.from = r->o->tasks - count;
    struct pool *p =
        pool_open(r->o->port, count, 1, (struct pool_user){watch_next, watch_answer, &w});
    while (w.ended < count) {
        pool_turn(p, 100);
    }
    pool_close(p);
}

/* ---- each task, once all should be over ---- */

static bool look_next(void *user, struct buf *out, uint64_t *ret_tag)
{
    struct start_run *r = user;
    while (r->look < r->o->tasks && r->ended[r->look]) {
        r->look++;
    }
    if (r->look == r->o->tasks) {
        return false;
    }
    char path[300];
    (void)snprintf(path, sizeof path, PREFIX "/status/%s%u?results=false", r->o->prefix, r->look);
    request_get(out, path);
    *ret_tag = r->look++;
    return true;
}

static void look_answer(void *user, const struct pool_answer *a)
{
    struct start_run *r = user;
    if (a->status != 200 || !is_over(a->body)) {
        return; /* looked at again in the next round */
    }
    r->ended[a->tag] = true;
    r->ended_count++;
    r->bad += !status_is(a->body, "completed");
    const char *at = memmem(a->body.ptr, a->body.len, "\"completed_at\":\"", 16);
    unix_ms when = 0;
    if (at != NULL && time_parse(bytes_of(at + 16, strcspn(at + 16, "\"")), &when) == ERR_OK &&
        when > r->last_completed) {
        r->last_completed = when;
    }
}

static void look_at_all(struct start_run *r)
{
    r->ended = mem_zalloc(r->o->tasks + 1);
    struct pool *p = pool_open(r->o->port, 4, 32, (struct pool_user){look_next, look_answer, r});
    while (r->ended_count < r->o->tasks) {
        pool_turn(p, 20);
        if (r->look == r->o->tasks && pool_outstanding(p) == 0) {
            r->look = 0; /* another round over those that were not over */
        }
    }
    pool_close(p);
    free(r->ended);
}

int load_start(const struct load_options *o)
{
    struct start_run r = {.o = o};
    if (o->body == NULL || o->body[0] != '{' || o->tasks == 0) {
        fprintf(stderr, "bench: start wants --body, an object, and --tasks\n");
        return 2;
    }
    r.units = o->batch > 0 ? (o->tasks + o->batch - 1) / o->batch : o->tasks;
    int64_t wall = wall_us();
    submit(&r);
    await_last(&r);
    int64_t watched = clock_mono_us() - r.first;
    look_at_all(&r);
    /* The last moment that the engine names, or that we saw, whichever is later. */
    int64_t said = r.last_completed * 1000 - wall;
    printf("{\"tasks\":%u,\"refused\":%u,\"failed\":%u,\"bad\":%u,\"submit_s\":%.6f,\"watched_s\":"
           "%.6f,\"said_s\":%.6f}\n",
           o->tasks, r.refused, r.failed, r.bad, (double)(r.submitted - r.first) / 1e6,
           (double)watched / 1e6, (double)said / 1e6);
    return r.failed == 0 && r.bad == 0 ? 0 : 1;
}
