/* The output of a connection, by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>

#include "transport/nng_impl.h"

/* Records are longer than what is in them, and the channel makes some of its own. */
static void test_what_waits_has_its_bound_as_records_too(void **state)
{
    (void)state;
    struct nng_conn c = {0};
    uint8_t byte = 0;
    struct bytes some = bytes_of(&byte, 1);
    output_init(&c);
    buf_extend(&c.out.flight, TRANSPORT_BACKLOG_BYTES_MAX - 1);
    assert_int_equal(output_add(&c, some), ERR_OK);
    assert_int_equal(output_add(&c, some), ERR_FULL);
    buf_extend(&c.out.flight, 100000);
    assert_int_equal(output_add(&c, some), ERR_FULL);
    c.out.flight_sent = c.out.flight.len;
    assert_int_equal(output_add(&c, some), ERR_OK);
    buf_extend(&c.out.records, TRANSPORT_BACKLOG_BYTES_MAX);
    assert_int_equal(output_add(&c, some), ERR_FULL);
    output_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_waits_has_its_bound_as_records_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
