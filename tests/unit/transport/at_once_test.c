/* What is tried at once and does not end in the call may be ended by nng's poller a moment later:
 * then it must be over for nng too before its aio is used again. nng 1.5.2 tells the count of a
 * write before it lets go of the aio, and ends the process where it is given that again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "transport/nng_impl.h"

#define PIECE     20000
#define FULL_MOST 1000 /* times that the socket was full */

static void *read_all(void *user)
{
    static uint8_t bytes[65536];
    nng_aio *aio = aio_new(NULL, NULL);
    nng_iov room = {.iov_buf = bytes, .iov_len = sizeof bytes};
    do {
        nng_aio_set_iov(aio, 1, &room);
        nng_stream_recv(user, aio);
        nng_aio_wait(aio);
    } while (nng_aio_result(aio) == 0);
    nng_aio_free(aio);
    return NULL;
}

static nng_stream *stream_of(nng_aio *aio)
{
    nng_aio_wait(aio);
    assert_int_equal(nng_aio_result(aio), 0);
    nng_stream *s = nng_aio_get_output(aio, 0);
    nng_aio_free(aio);
    return s;
}

/* As a thread that was held up behind its call, and looks when the poller is at it. */
static void hold_up(nng_aio *aio)
{
    for (int i = 0; i < 300000 && nng_aio_count(aio) == 0 && nng_aio_result(aio) == 0; i++) {
    }
}

static void write_until_full_so_often(nng_stream *s)
{
    static uint8_t bytes[PIECE];
    nng_aio *aio = aio_new(NULL, NULL);
    for (int full = 0; full < FULL_MOST;) {
        nng_iov piece = {.iov_buf = bytes, .iov_len = sizeof bytes};
        nng_aio_set_iov(aio, 1, &piece);
        nng_stream_send(s, aio);
        full += nng_aio_count(aio) == 0;
        hold_up(aio);
        if (aio_ended_at_once(aio)) {
            assert_int_equal(nng_aio_result(aio), 0);
            assert_in_range(nng_aio_count(aio), 1, PIECE);
        }
    }
    nng_aio_free(aio);
}

static void test_what_the_poller_ends_is_over_before_its_aio_is_used_again(void **state)
{
    (void)state;
    char dir[] = "/tmp/marathon-at-once-XXXXXX", path[64], url[80];
    nng_stream_listener *listener;
    nng_stream_dialer *dialer;
    pthread_t reader;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    snprintf(url, sizeof url, "ipc://%s", path);
    assert_int_equal(nng_stream_listener_alloc(&listener, url), 0);
    assert_int_equal(nng_stream_listener_listen(listener), 0);
    assert_int_equal(nng_stream_dialer_alloc(&dialer, url), 0);
    nng_aio *dials = aio_new(NULL, NULL), *accepts = aio_new(NULL, NULL);
    nng_stream_dialer_dial(dialer, dials);
    nng_stream_listener_accept(listener, accepts);
    nng_stream *there = stream_of(accepts), *here = stream_of(dials);
    assert_int_equal(pthread_create(&reader, NULL, read_all, there), 0);
    write_until_full_so_often(here);
    nng_stream_close(here);
    pthread_join(reader, NULL);
    nng_stream_free(here);
    nng_stream_free(there);
    nng_stream_dialer_free(dialer);
    nng_stream_listener_free(listener);
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_poller_ends_is_over_before_its_aio_is_used_again),
    };
    fflush(NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fflush(NULL);
    _exit(failed); /* nng's exit handlers may hang */
}
