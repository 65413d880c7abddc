#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"

static char trace[256];

static void trace_clear(void)
{
    trace[0] = '\0';
}

static void note(char c)
{
    size_t n = strlen(trace);
    assert_true(n + 1 < sizeof trace);
    trace[n] = c;
    trace[n + 1] = '\0';
}

static void note_a(void *user)
{
    (void)user;
    note('a');
}

static void note_b(void *user)
{
    (void)user;
    note('b');
}

static void stop(void *user)
{
    note('.');
    loop_stop(user);
}

static void post(struct loop *l, loop_fn *fn, void *user)
{
    assert_int_equal(loop_post(l, fn, user), ERR_OK);
}

/* ---- posts ---- */

#define POSTERS          4
#define POSTS_PER_POSTER 20000

struct poster {
    struct loop *loop;
    int next; /* the loop's */
    int *left;
};

struct parcel {
    struct poster *poster;
    int number;
};

static void on_parcel(void *user)
{
    struct parcel *p = user;
    assert_int_equal(p->number, p->poster->next++);
    if (--*p->poster->left == 0) {
        loop_stop(p->poster->loop);
    }
    free(p);
}

static void *poster_main(void *arg)
{
    struct poster *poster = arg;
    for (int i = 0; i < POSTS_PER_POSTER; i++) {
        struct parcel *p = malloc(sizeof *p);
        *p = (struct parcel){poster, i};
        while (loop_post(poster->loop, on_parcel, p) != ERR_OK) {
            sched_yield(); /* full: the loop catches up */
        }
    }
    return NULL;
}

static void test_posts_of_many_threads_arrive_all_and_in_order_per_thread(void **state)
{
    (void)state;
    struct loop *l = loop_create();
    int left = POSTERS * POSTS_PER_POSTER;
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.loop = l, .left = &left};
        assert_int_equal(pthread_create(&threads[i], NULL, poster_main, &posters[i]), 0);
    }
    loop_run(l);
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(posters[i].next, POSTS_PER_POSTER);
    }
    loop_destroy(l);
}

static void ignore(void *user)
{
    (void)user;
}

static void test_mailbox_is_bounded(void **state)
{
    (void)state;
    struct loop *l = loop_create();
    for (int i = 0; i < 65536; i++) {
        post(l, i == 65535 ? stop : ignore, l);
    }
    assert_int_equal(loop_post(l, ignore, NULL), ERR_FULL);
    trace_clear();
    loop_run(l);
    assert_string_equal(trace, ".");
    post(l, ignore, NULL); /* there is room again */
    loop_destroy(l);
}

static void post_again(void *user)
{
    note('p');
    post(user, stop, user);
}

static void test_post_from_a_post_runs_in_a_later_turn(void **state)
{
    (void)state;
    struct loop *l = loop_create();
    trace_clear();
    loop_on_turn_end(l, note_a, NULL);
    post(l, post_again, l);
    loop_run(l);
    assert_non_null(strstr(trace, "pa."));
    loop_destroy(l);
}

/* ---- turns ---- */

static void test_turn_ends_after_all_posts_in_the_order_of_adding(void **state)
{
    (void)state;
    struct loop *l = loop_create();
    trace_clear();
    loop_on_turn_end(l, note_a, NULL);
    loop_on_turn_end(l, note_b, NULL);
    post(l, ignore, NULL);
    post(l, stop, l);
    loop_run(l);
    /* The turn before the loop first sleeps, then that of the posts, which ends although the loop
     * stops. */
    assert_string_equal(trace, "ab.ab");
    loop_destroy(l);
}

static void leave(void *user)
{
    note('l');
    loop_off_turn_end(user, leave, user);
}

static void test_turn_end_callback_can_be_taken_out_even_by_itself(void **state)
{
    (void)state;
    struct loop *l = loop_create();
    trace_clear();
    loop_on_turn_end(l, leave, l);
    loop_on_turn_end(l, note_a, NULL);
    loop_on_turn_end(l, note_b, NULL);
    loop_off_turn_end(l, note_b, NULL);
    post(l, stop, l);
    loop_run(l);
    assert_string_equal(trace, "la.a");
    loop_destroy(l);
}

struct late {
    struct loop *loop;
    int given;
    int done;
};

static void early_end(void *user)
{
    struct late *late = user;
    late->done = late->given;
    if (late->done == 3) {
        loop_stop(late->loop);
    }
}

static void late_end(void *user)
{
    struct late *late = user;
    if (late->given < 3) {
        late->given++;
        loop_turn_again(late->loop);
    }
}

static int64_t three_turns_us(void)
{
    struct late late = {.loop = loop_create()};
    int64_t began = clock_mono_us();
    loop_on_turn_end(late.loop, early_end, &late);
    loop_on_turn_end(late.loop, late_end, &late);
    loop_run(late.loop);
    assert_int_equal(late.done, 3);
    loop_destroy(late.loop);
    return clock_mono_us() - began;
}

static void test_work_given_at_a_turns_end_brings_another_turn_at_once(void **state)
{
    (void)state;
    int64_t least = three_turns_us(); /* the machine may hold us up once, or twice */
    for (int i = 0; i < 10 && least >= 900000; i++) {
        int64_t us = three_turns_us();
        least = us < least ? us : least;
    }
    assert_true(least < 900000); /* not one pulse of a second each */
}

static void busy(void *user)
{
    struct loop *l = user;
    struct moment before = loop_now(l);
    int64_t began = clock_mono_us();
    while (clock_mono_us() - began < 5000) {
    }
    assert_int_equal(loop_now(l).mono, before.mono);
    assert_true(loop_last_turn_us(l) <= began);
    assert_true(clock_now().mono - before.mono >= 4);
    loop_stop(l);
}

static void test_the_clock_stands_still_within_a_turn(void **state)
{
    (void)state;
    struct loop *l = loop_create();
    post(l, busy, l);
    loop_run(l);
    loop_destroy(l);
}

/* ---- descriptors and signals ---- */

struct wire {
    struct loop *loop;
    struct loop_watch *watch;
    int fds[2];
    int seen;
};

static void on_ready(void *user, int ready)
{
    struct wire *w = user;
    w->seen |= ready;
    if ((ready & LOOP_WRITABLE) != 0 && (ready & LOOP_READABLE) == 0) {
        note('w');
        assert_int_equal(write(w->fds[1], "x", 1), 1);
        loop_watch_set(w->watch, LOOP_READABLE);
        return;
    }
    char c;
    ssize_t n = read(w->fds[0], &c, 1);
    note(n == 1 ? 'r' : 'e');
    if (n == 1) {
        close(w->fds[1]); /* now the hang-up must be seen */
    } else {
        loop_watch_destroy(w->watch);
        loop_stop(w->loop);
    }
}

static void test_watch_tells_writable_readable_and_the_hang_up(void **state)
{
    (void)state;
    struct wire w = {.loop = loop_create()};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, w.fds), 0);
    w.watch = loop_watch_create(w.loop, w.fds[0], on_ready, &w);
    loop_watch_set(w.watch, LOOP_WRITABLE);
    trace_clear();
    loop_run(w.loop);
    assert_string_equal(trace, "wre");
    close(w.fds[0]);
    loop_destroy(w.loop);
}

static void test_paused_watch_is_silent(void **state)
{
    (void)state;
    struct wire w = {.loop = loop_create()};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, w.fds), 0);
    assert_int_equal(write(w.fds[1], "x", 1), 1);
    w.watch = loop_watch_create(w.loop, w.fds[0], on_ready, &w);
    loop_watch_set(w.watch, LOOP_READABLE);
    loop_watch_set(w.watch, 0);
    struct loop_timer *t = loop_timer_create(w.loop, stop, w.loop);
    loop_timer_set(t, loop_now(w.loop).mono + 5);
    trace_clear();
    loop_run(w.loop);
    assert_string_equal(trace, ".");
    assert_int_equal(w.seen, 0);
    loop_destroy(w.loop); /* frees the watch */
    close(w.fds[0]);
    close(w.fds[1]);
}

static void test_signal_is_delivered_on_the_loop_and_sigpipe_ignored(void **state)
{
    (void)state;
    struct loop *l = loop_create();
    loop_on_signal(l, SIGUSR1, stop, l);
    raise(SIGPIPE);
    raise(SIGUSR1);
    trace_clear();
    loop_run(l);
    assert_string_equal(trace, ".");
    loop_destroy(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_posts_of_many_threads_arrive_all_and_in_order_per_thread),
        cmocka_unit_test(test_mailbox_is_bounded),
        cmocka_unit_test(test_post_from_a_post_runs_in_a_later_turn),
        cmocka_unit_test(test_turn_ends_after_all_posts_in_the_order_of_adding),
        cmocka_unit_test(test_turn_end_callback_can_be_taken_out_even_by_itself),
        cmocka_unit_test(test_work_given_at_a_turns_end_brings_another_turn_at_once),
        cmocka_unit_test(test_the_clock_stands_still_within_a_turn),
        cmocka_unit_test(test_watch_tells_writable_readable_and_the_hang_up),
        cmocka_unit_test(test_paused_watch_is_silent),
        cmocka_unit_test(test_signal_is_delivered_on_the_loop_and_sigpipe_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
