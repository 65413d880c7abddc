#include "transport/finder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/bytes.h"

/* A name server that answers as the test says, and a daemon that writes down what it is told. */
struct scene {
    struct loop *loop;
    struct finder *finder;
    struct loop_timer *answer;
    const char *const *answers; /* one line each: addresses between blanks, "" = failed */
    size_t at, count;
    loop_resolved_fn *fn;
    void *user;
    bool busy;        /* what is gone is still connected */
    struct buf trace; /* +url, -url, ?url */
};

static struct scene scene;

static void answer(void *user)
{
    struct scene *s = user;
    char text[256];
    const char *addresses[8];
    size_t n = 0;
    strcpy(text, s->answers[s->at]);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        addresses[n++] = word;
    }
    s->fn(s->user, addresses, n);
    if (++s->at == s->count) {
        loop_stop(s->loop);
    }
}

static void resolve(struct loop *loop, const char *host, loop_resolved_fn *fn, void *user)
{
    assert_string_equal(host, "coordinator");
    scene.fn = fn;
    scene.user = user;
    loop_timer_set(scene.answer, loop_now(loop).mono);
}

static enum err on_found(void *user, const char *url)
{
    struct scene *s = user;
    buf_addf(&s->trace, "+%s ", url);
    return strncmp(url, "bad", 3) == 0 ? ERR_INVALID : ERR_OK;
}

static bool on_gone(void *user, const char *url)
{
    struct scene *s = user;
    buf_addf(&s->trace, "%c%s ", s->busy ? '?' : '-', url);
    bool gone = !s->busy;
    s->busy = false;
    return gone;
}

static int setup(void **state)
{
    (void)state;
    scene = (struct scene){.loop = loop_create()};
    scene.answer = loop_timer_create(scene.loop, answer, &scene);
    scene.finder =
        finder_create(scene.loop, resolve, (struct finder_handler){on_found, on_gone, &scene, 1});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    finder_destroy(scene.finder);
    loop_timer_destroy(scene.answer);
    loop_destroy(scene.loop);
    buf_free(&scene.trace);
    return 0;
}

static void play_url(const char *url, const char *const *answers, size_t count)
{
    scene.answers = answers;
    scene.count = count;
    assert_int_equal(finder_add(scene.finder, url), ERR_OK);
    loop_run(scene.loop);
}

static void play(const char *const *answers, size_t count)
{
    play_url("tcp://coordinator:7400", answers, count);
}

static void test_what_is_no_name_is_one_place(void **state)
{
    (void)state;
    assert_int_equal(finder_add(scene.finder, "tcp://127.0.0.1:7400"), ERR_OK);
    assert_int_equal(finder_add(scene.finder, "tcp://[fd00::1]:7400"), ERR_OK);
    assert_int_equal(finder_add(scene.finder, "tcp://localhost:7400"), ERR_OK);
    assert_int_equal(finder_add(scene.finder, "ipc:///run/c.sock"), ERR_OK);
    assert_int_equal(finder_add(scene.finder, "bad://coordinator:7400"), ERR_INVALID);
    assert_string_equal(buf_cstr(&scene.trace),
                        "+tcp://127.0.0.1:7400 +tcp://[fd00::1]:7400 +tcp://localhost:7400 "
                        "+ipc:///run/c.sock +bad://coordinator:7400 ");
}

static void test_every_address_of_a_name_is_found_once(void **state)
{
    (void)state;
    static const char *const answers[] = {"", "10.0.0.1 10.0.0.2 10.0.0.1",
                                          "fd00::3 10.0.0.2 10.0.0.1"};
    play(answers, 3);
    assert_string_equal(buf_cstr(&scene.trace),
                        "+tcp://10.0.0.1:7400 +tcp://10.0.0.2:7400 +tcp://[fd00::3]:7400 ");
}

static void test_over_tls_the_name_stays_with_its_addresses(void **state)
{
    (void)state;
    static const char *const answers[] = {"10.0.0.1 fd00::3"};
    play_url("tls+tcp://coordinator:7400", answers, 1);
    assert_string_equal(
        buf_cstr(&scene.trace),
        "+tls+tcp://coordinator@10.0.0.1:7400 +tls+tcp://coordinator@[fd00::3]:7400 ");
}

static void test_over_tls_another_name_may_be_asked_for(void **state)
{
    (void)state;
    static const char *const answers[] = {"10.0.0.1"};
    play_url("tls+tcp://other.example@coordinator:7400", answers, 1);
    assert_int_equal(finder_add(scene.finder, "tls+tcp://other.example@10.0.0.2:7400"), ERR_OK);
    assert_string_equal(buf_cstr(&scene.trace), "+tls+tcp://other.example@10.0.0.1:7400 "
                                                "+tls+tcp://other.example@10.0.0.2:7400 ");
}

static void test_an_address_is_gone_after_three_answers_without_it(void **state)
{
    (void)state;
    static const char *const answers[] = {"10.0.0.1 10.0.0.2", "10.0.0.2", "",
                                          "10.0.0.2",          "10.0.0.2", "10.0.0.2 10.0.0.1"};
    play(answers, 6);
    assert_string_equal(buf_cstr(&scene.trace), "+tcp://10.0.0.1:7400 +tcp://10.0.0.2:7400 "
                                                "-tcp://10.0.0.1:7400 +tcp://10.0.0.1:7400 ");
}

static void test_one_that_is_connected_stays(void **state)
{
    (void)state;
    static const char *const answers[] = {"10.0.0.1 10.0.0.2", "10.0.0.2", "10.0.0.2", "10.0.0.2",
                                          "10.0.0.2"};
    scene.busy = true;
    play(answers, 5);
    assert_string_equal(buf_cstr(&scene.trace), "+tcp://10.0.0.1:7400 +tcp://10.0.0.2:7400 "
                                                "?tcp://10.0.0.1:7400 -tcp://10.0.0.1:7400 ");
}

static void on_localhost(void *user, const char *const *addresses, size_t count)
{
    bool *seen = user;
    for (size_t i = 0; i < count; i++) {
        *seen = *seen || strcmp(addresses[i], "127.0.0.1") == 0 || strcmp(addresses[i], "::1") == 0;
    }
    loop_stop(scene.loop);
}

static void test_the_systems_resolver_is_asked(void **state)
{
    (void)state;
    bool seen = false;
    loop_resolve(scene.loop, "localhost", on_localhost, &seen);
    loop_run(scene.loop);
    assert_true(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_no_name_is_one_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_address_of_a_name_is_found_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_over_tls_the_name_stays_with_its_addresses, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_over_tls_another_name_may_be_asked_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_an_address_is_gone_after_three_answers_without_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_that_is_connected_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_systems_resolver_is_asked, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
