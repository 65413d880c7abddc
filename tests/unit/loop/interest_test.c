/* What a loop tells the system of its watches, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loop/loop.h"

static unsigned calls; /* of epoll_ctl, which is ours in this program */

__attribute__((visibility("default"))) int epoll_ctl(int epfd, int op, int fd,
                                                     struct epoll_event *event)
{
    calls++;
    return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

/* Two ends of a connection, of which the first is watched. */
struct line {
    struct loop *loop;
    struct loop_watch *watch;
    int near, far;
    struct line *other;
    unsigned turns; /* in which it was told of something */
    int ready;      /* of what, the last time */
    unsigned ends;  /* of turns */
};

static void line_open(struct line *l, struct loop *loop, loop_watch_fn *fn)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    l->loop = loop;
    l->near = ends[0];
    l->far = ends[1];
    l->watch = loop_watch_create(loop, l->near, fn, l);
    loop_watch_set(l->watch, LOOP_READABLE);
}

static void line_close(struct line *l)
{
    loop_watch_destroy(l->watch);
    close(l->near);
    close(l->far);
}

static void say(const struct line *l)
{
    assert_int_equal(write(l->far, "x", 1), 1);
}

static void hear(struct line *l, int ready)
{
    char byte;
    l->turns++;
    l->ready = ready;
    if ((ready & LOOP_READABLE) != 0) {
        assert_int_equal(read(l->near, &byte, 1), 1);
    }
}

/* What libwebsockets does in a request: it wants to write, no more, and to read as before. */
static void on_request(void *user, int ready)
{
    struct line *l = user;
    hear(l, ready);
    loop_watch_set(l->watch, LOOP_READABLE | LOOP_WRITABLE);
    loop_watch_set(l->watch, LOOP_READABLE);
    if (l->turns == 1) {
        calls = 0; /* until here it was put in */
    }
    if (l->turns == 10) {
        loop_stop(l->loop);
    } else {
        say(l);
    }
}

static void test_watch_that_wants_the_same_at_the_end_of_a_turn_costs_no_call(void **state)
{
    (void)state;
    struct loop *loop = loop_create();
    struct line line = {0};
    line_open(&line, loop, on_request);
    say(&line);
    loop_run(loop);
    assert_int_equal(line.turns, 10);
    assert_int_equal(line.ready, LOOP_READABLE);
    assert_int_equal(calls, 0);
    line_close(&line);
    loop_destroy(loop);
}

static void stop(void *loop)
{
    loop_stop(loop);
}

static void on_first_pauses_other(void *user, int ready)
{
    struct line *l = user;
    hear(l, ready);
    loop_watch_set(l->other->watch, 0);
    loop_on_turn_end(l->loop, stop, l->loop);
}

static void test_paused_watch_is_told_of_nothing_any_more_in_the_same_turn(void **state)
{
    (void)state;
    struct loop *loop = loop_create();
    struct line one = {0}, two = {.other = &one};
    one.other = &two;
    line_open(&one, loop, on_first_pauses_other);
    line_open(&two, loop, on_first_pauses_other);
    say(&one);
    say(&two);
    loop_run(loop);
    assert_int_equal(one.turns + two.turns, 1);
    line_close(&one);
    line_close(&two);
    loop_destroy(loop);
}

static void on_paused_and_stirred(void *user, int ready)
{
    struct line *l = user;
    hear(l, ready);
    if (l->turns == 3) {
        loop_stop(l->loop);
        return;
    }
    loop_watch_set(l->watch, l->turns == 1 ? 0 : LOOP_WRITABLE);
}

static void on_other_stirs(void *user, int ready)
{
    struct line *l = user;
    hear(l, ready);
    loop_watch_set(l->other->watch, LOOP_READABLE);
}

static void test_paused_watch_goes_on_in_a_later_turn(void **state)
{
    (void)state;
    struct loop *loop = loop_create();
    struct line one = {0}, two = {.other = &one};
    line_open(&one, loop, on_paused_and_stirred);
    line_open(&two, loop, on_other_stirs);
    say(&one);
    say(&one);
    say(&two);
    loop_run(loop);
    assert_int_equal(one.turns, 3);
    assert_int_equal(one.ready, LOOP_WRITABLE);
    line_close(&one);
    line_close(&two);
    loop_destroy(loop);
}

static void on_last(void *user, int ready)
{
    struct line *l = user;
    hear(l, ready);
    loop_stop(l->loop);
}

/* Changed, gone, and its descriptor another's, which changes as well: all in one turn. */
static void on_replaced(void *user, int ready)
{
    struct line *l = user;
    int fd = l->near;
    hear(l, ready);
    loop_watch_set(l->watch, LOOP_WRITABLE);
    line_close(l);
    line_open(l->other, l->loop, on_last);
    assert_int_equal(l->other->near, fd);
    loop_watch_set(l->other->watch, LOOP_WRITABLE);
}

static void test_descriptor_of_a_watch_that_is_gone_can_be_anothers_in_the_same_turn(void **state)
{
    (void)state;
    struct loop *loop = loop_create();
    struct line after = {0}, before = {.other = &after};
    line_open(&before, loop, on_replaced);
    say(&before);
    loop_run(loop);
    assert_int_equal(before.turns, 1);
    assert_int_equal(after.turns, 1);
    assert_int_equal(after.ready, LOOP_WRITABLE);
    line_close(&after);
    loop_destroy(loop);
}

static void on_destroyed(void *user, int ready)
{
    struct line *l = user;
    hear(l, ready);
    loop_watch_set(l->watch, LOOP_WRITABLE);
    line_close(l);
    loop_on_turn_end(l->loop, stop, l->loop);
}

static void test_change_of_a_watch_that_is_gone_is_forgotten(void **state)
{
    (void)state;
    struct loop *loop = loop_create();
    struct line line = {0};
    line_open(&line, loop, on_destroyed);
    say(&line);
    loop_run(loop);
    assert_int_equal(line.turns, 1);
    loop_destroy(loop);
}

static void wants_to_write(void *user)
{
    struct line *l = user;
    l->ends++;
    loop_watch_set(l->watch, LOOP_WRITABLE);
}

static void on_room(void *user, int ready)
{
    struct line *l = user;
    hear(l, ready);
    assert_int_equal(l->ends, 1);
    loop_stop(l->loop);
}

static void test_what_the_end_of_a_turn_wants_is_waited_for_behind_it(void **state)
{
    (void)state;
    struct loop *loop = loop_create();
    struct line line = {0};
    line_open(&line, loop, on_room);
    loop_on_turn_end(loop, wants_to_write, &line);
    loop_run(loop);
    assert_int_equal(line.turns, 1);
    line_close(&line);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watch_that_wants_the_same_at_the_end_of_a_turn_costs_no_call),
        cmocka_unit_test(test_paused_watch_is_told_of_nothing_any_more_in_the_same_turn),
        cmocka_unit_test(test_paused_watch_goes_on_in_a_later_turn),
        cmocka_unit_test(test_descriptor_of_a_watch_that_is_gone_can_be_anothers_in_the_same_turn),
        cmocka_unit_test(test_change_of_a_watch_that_is_gone_is_forgotten),
        cmocka_unit_test(test_what_the_end_of_a_turn_wants_is_waited_for_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
