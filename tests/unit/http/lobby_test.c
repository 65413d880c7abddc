/* Who has not said anything yet, and what becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/lobby.h"

#define PATIENCE_MS 20000

struct story {
    struct loop *loop;
    struct lobby *lobby;
    struct loop_timer *patience;
    int taken[4], count; /* whom the lobby gave away */
    int awaited_count;
    size_t awaited_waiting;
    mono_ms awaited_moment;
};

static void on_something_said(void *user, int fd)
{
    struct story *s = user;
    assert_true(s->count < 4);
    s->taken[s->count++] = fd;
}

static void on_turn(void *user)
{
    struct story *s = user;
    if (s->count == s->awaited_count && lobby_count(s->lobby) == s->awaited_waiting &&
        loop_now(s->loop).mono >= s->awaited_moment) {
        loop_stop(s->loop);
    }
}

static void on_impatient(void *user)
{
    (void)user;
    fail_msg("what is awaited does not come");
}

static void begin(struct story *s)
{
    *s = (struct story){.loop = loop_create()};
    s->lobby = lobby_create(s->loop, on_something_said, s);
    s->patience = loop_timer_create(s->loop, on_impatient, s);
    loop_on_turn_end(s->loop, on_turn, s);
}

/* Turns go by until so many have been given away and so many are in the lobby. */
static void await(struct story *s, int given, size_t waiting)
{
    s->awaited_count = given;
    s->awaited_waiting = waiting;
    loop_timer_set(s->patience, loop_now(s->loop).mono + PATIENCE_MS);
    loop_run(s->loop);
}

static void on_time(void *user)
{
    (void)user;
}

static void time_passes(struct story *s, mono_ms ms)
{
    struct loop_timer *t = loop_timer_create(s->loop, on_time, s);
    s->awaited_moment = loop_now(s->loop).mono + ms;
    loop_timer_set(t, s->awaited_moment);
    await(s, s->count, lobby_count(s->lobby));
    loop_timer_destroy(t);
}

/* Returns the client's end; the other one is the lobby's. */
static int client(struct story *s, const char *says)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(write(ends[0], says, strlen(says)), strlen(says));
    lobby_add(s->lobby, ends[1]);
    return ends[0];
}

static bool hears_the_end(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void end(struct story *s)
{
    for (int i = 0; i < s->count; i++) {
        (void)close(s->taken[i]);
    }
    lobby_sweep(s->lobby, -1);
    assert_int_equal(lobby_count(s->lobby), 0);
    free(s->lobby);
    loop_destroy(s->loop);
}

static void test_who_has_spoken_is_given_away_at_once(void **state)
{
    struct story s;
    char text[8] = {0};
    (void)state;
    begin(&s);
    int fd = client(&s, "GET");
    assert_int_equal(s.count, 1);
    assert_int_equal(lobby_count(s.lobby), 0);
    assert_int_equal(read(s.taken[0], text, sizeof text), 3); /* nothing of it was taken away */
    assert_string_equal(text, "GET");
    (void)close(fd);
    end(&s);
}

static void test_who_is_silent_waits_until_it_speaks(void **state)
{
    struct story s;
    (void)state;
    begin(&s);
    int first = client(&s, ""), second = client(&s, ""), third = client(&s, "");
    assert_int_equal(s.count, 0);
    assert_int_equal(write(second, "G", 1), 1);
    await(&s, 1, 2);
    assert_int_equal(write(first, "G", 1), 1);
    assert_int_equal(write(third, "G", 1), 1);
    await(&s, 3, 0);
    (void)close(first);
    (void)close(second);
    (void)close(third);
    end(&s);
}

static void test_who_leaves_without_a_word_is_let_go(void **state)
{
    struct story s;
    (void)state;
    begin(&s);
    int stays = client(&s, ""), leaves = client(&s, ""), halves = client(&s, "");
    (void)close(leaves);
    assert_int_equal(shutdown(halves, SHUT_WR), 0); /* it cannot ask for anything any more */
    await(&s, 0, 1);
    assert_true(hears_the_end(halves));
    assert_false(hears_the_end(stays));
    (void)close(stays);
    (void)close(halves);
    end(&s);
}

static void test_a_silence_has_its_end_and_the_oldest_goes_first(void **state)
{
    struct story s;
    (void)state;
    begin(&s);
    int old = client(&s, "");
    time_passes(&s, 50);
    int young = client(&s, "");
    lobby_sweep(s.lobby, 49);
    assert_int_equal(lobby_count(s.lobby), 1);
    assert_true(hears_the_end(old));
    assert_false(hears_the_end(young));
    lobby_sweep(s.lobby, 49);
    assert_int_equal(lobby_count(s.lobby), 1);
    (void)close(old);
    (void)close(young);
    end(&s);
}

static void test_it_is_quiet_when_all_have_been_silent_for_long(void **state)
{
    struct story s;
    (void)state;
    begin(&s);
    assert_true(lobby_quiet(s.lobby, 50));
    int old = client(&s, "");
    time_passes(&s, 50);
    assert_true(lobby_quiet(s.lobby, 50));
    int young = client(&s, "");
    assert_false(lobby_quiet(s.lobby, 50));
    time_passes(&s, 50);
    assert_true(lobby_quiet(s.lobby, 50));
    assert_int_equal(write(old, "G", 1), 1); /* and no turn has gone by since */
    assert_false(lobby_quiet(s.lobby, 50));
    await(&s, 1, 1);
    assert_true(lobby_quiet(s.lobby, 50));
    (void)close(old);
    (void)close(young);
    end(&s);
}

static void test_at_the_end_all_are_told(void **state)
{
    struct story s;
    (void)state;
    begin(&s);
    int first = client(&s, ""), second = client(&s, "");
    lobby_end(s.lobby);
    assert_true(hears_the_end(first));
    assert_true(hears_the_end(second));
    (void)close(first);
    (void)close(second);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_has_spoken_is_given_away_at_once),
        cmocka_unit_test(test_who_is_silent_waits_until_it_speaks),
        cmocka_unit_test(test_who_leaves_without_a_word_is_let_go),
        cmocka_unit_test(test_a_silence_has_its_end_and_the_oldest_goes_first),
        cmocka_unit_test(test_it_is_quiet_when_all_have_been_silent_for_long),
        cmocka_unit_test(test_at_the_end_all_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
