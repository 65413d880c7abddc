#include "loop/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct loop *loop;
static int manager;
static char heard[8][32];
static size_t heard_count;

static void on_message(void *user, int ready)
{
    (void)user;
    (void)ready;
    ssize_t n = recv(manager, heard[heard_count], sizeof heard[0] - 1, 0);
    assert_true(n > 0);
    if (++heard_count == 4) {
        loop_stop(loop);
    }
}

/* The manager's socket has an abstract name, so that no file is left behind. */
static void test_ready_then_signs_of_life_then_stopping(void **state)
{
    (void)state;
    char name[64], pid[16];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(name, sizeof name, "@marathon-notify-test-%d", (int)getpid());
    memcpy(address.sun_path + 1, name + 1, (size_t)len - 1);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)),
                     0);
    (void)snprintf(pid, sizeof pid, "%d", (int)getpid());
    (void)setenv("NOTIFY_SOCKET", name, 1);
    (void)setenv("WATCHDOG_USEC", "4000", 1);
    (void)setenv("WATCHDOG_PID", pid, 1);
    loop = loop_create();
    struct loop_watch *w = loop_watch_create(loop, manager, on_message, NULL);
    loop_watch_set(w, LOOP_READABLE);
    notify_ready(loop);
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(getenv("WATCHDOG_USEC"));
    loop_run(loop);
    assert_string_equal(heard[0], "READY=1");
    assert_string_equal(heard[1], "WATCHDOG=1");
    assert_string_equal(heard[3], "WATCHDOG=1");
    heard_count = 0;
    memset(heard, 0, sizeof heard);
    notify_stopping();
    do {
        on_message(NULL, LOOP_READABLE);
    } while (strcmp(heard[heard_count - 1], "WATCHDOG=1") == 0);
    assert_string_equal(heard[heard_count - 1], "STOPPING=1");
    loop_watch_destroy(w);
    (void)close(manager);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready_then_signs_of_life_then_stopping)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
