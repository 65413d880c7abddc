#include "cli/doctor_tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/marathon-doctor-XXXXXX";
static struct doctor d;

static void shell(const char *script)
{
    char command[1000];
    snprintf(command, sizeof command, "cd '%s' && %s", folder, script);
    assert_int_equal(system(command), 0);
}

static void set(const char *name, const char *file)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    setenv(name, path, 1);
}

static int set_up_all(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    shell("'" CERTS_SCRIPT "' --days 100 . >/dev/null && '" CERTS_SCRIPT "' other >/dev/null");
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    shell("rm -rf \"$PWD\"");
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    set("MARATHON_TLS_CA_FILE", "ca.pem");
    set("MARATHON_TLS_CERT_FILE", "worker.pem");
    set("MARATHON_TLS_KEY_FILE", "worker.key");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    doctor_free(&d);
    d = (struct doctor){0};
    unsetenv("MARATHON_TLS_CA_FILE");
    unsetenv("MARATHON_TLS_CERT_FILE");
    unsetenv("MARATHON_TLS_KEY_FILE");
    unsetenv("MARATHON_TLS_KEY_PASSWORD");
    unsetenv("MARATHON_TLS_KEY_PASSWORD_FILE");
    unsetenv("REDIS_URL");
    unsetenv("MARATHON_REDIS_TLS_CA_FILE");
    unsetenv("MARATHON_REDIS_TLS_CERT_FILE");
    unsetenv("MARATHON_REDIS_TLS_KEY_FILE");
    return 0;
}

static void found(size_t i, enum doctor_level level, const char *part)
{
    assert_true(i < d.count);
    assert_int_equal(d.findings[i].level, level);
    assert_string_equal(d.findings[i].check, "certificate");
    if (strstr((const char *)d.findings[i].detail.ptr, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", (const char *)d.findings[i].detail.ptr, part);
    }
    assert_int_equal(d.findings[i].advice.len > 0, level != DOCTOR_GOOD);
}

static void test_nothing_is_found_where_none_is_named(void **state)
{
    (void)state;
    (void)tear_down(state);
    doctor_tls(&d, clock_now().wall);
    assert_int_equal(d.count, 0);
}

static void test_good_one_is_good(void **state)
{
    (void)state;
    doctor_tls(&d, clock_now().wall);
    assert_int_equal(d.count, 1);
    found(0, DOCTOR_GOOD, "worker.pem: good until 2");
}

static void test_end_within_14_days_is_a_warning(void **state)
{
    (void)state;
    unix_ms now = clock_now().wall, day = 86400000;
    doctor_tls(&d, now + 85 * day);
    found(0, DOCTOR_GOOD, "good until");
    doctor_tls(&d, now + 87 * day);
    found(1, DOCTOR_WARNING, "worker.pem: expires in 12 days, at 2");
}

static void test_key_that_everybody_can_read_is_a_warning(void **state)
{
    (void)state;
    shell("chmod 0640 worker.key");
    doctor_tls(&d, clock_now().wall);
    assert_int_equal(d.count, 1);
    shell("chmod 0644 worker.key");
    doctor_tls(&d, clock_now().wall);
    shell("chmod 0600 worker.key");
    assert_int_equal(d.count, 3);
    found(2, DOCTOR_WARNING, "can read the key (mode 0644)");
}

static void test_what_does_not_fit_is_a_fault(void **state)
{
    (void)state;
    set("MARATHON_TLS_CA_FILE", "other/ca.pem");
    doctor_tls(&d, clock_now().wall);
    found(0, DOCTOR_FAULT, "peers would not trust it");
    set("MARATHON_TLS_CA_FILE", "");
    unsetenv("MARATHON_TLS_CA_FILE");
    doctor_tls(&d, clock_now().wall);
    found(1, DOCTOR_FAULT, "MARATHON_TLS_CA_FILE is not set");
    setenv("MARATHON_TLS_KEY_PASSWORD", "x", 1);
    set("MARATHON_TLS_KEY_PASSWORD_FILE", "worker.pem");
    doctor_tls(&d, clock_now().wall);
    found(2, DOCTOR_FAULT, "are both given");
}

/* Only what is for Redis is set. */
static void redis_only(void **state)
{
    (void)tear_down(state);
    setenv("REDIS_URL", "rediss://marathon:secret@redis.example:6380", 1);
}

static void test_tls_to_redis_without_a_certificate_of_ours_is_good(void **state)
{
    redis_only(state);
    doctor_tls(&d, clock_now().wall);
    found(0, DOCTOR_GOOD, "TLS to Redis: trusts the CAs of this system, and shows no certificate");
    set("MARATHON_REDIS_TLS_CA_FILE", "ca.pem");
    doctor_tls(&d, clock_now().wall);
    found(1, DOCTOR_GOOD, "/ca.pem, and shows no certificate");
    assert_int_equal(d.count, 2);
}

static void test_what_is_shown_to_redis_expires_too(void **state)
{
    redis_only(state);
    set("MARATHON_REDIS_TLS_CERT_FILE", "worker.pem");
    set("MARATHON_REDIS_TLS_KEY_FILE", "worker.key");
    doctor_tls(&d, clock_now().wall);
    found(0, DOCTOR_GOOD, "worker.pem: good until 2");
    shell("chmod 0604 worker.key");
    doctor_tls(&d, clock_now().wall + 87 * (unix_ms)86400000);
    shell("chmod 0600 worker.key");
    found(1, DOCTOR_WARNING, "worker.pem: expires in 12 days, at 2");
    assert_non_null(strstr((const char *)d.findings[1].advice.ptr, "SIGHUP to the coordinator"));
    found(2, DOCTOR_WARNING, "can read the key (mode 0604)");
    assert_int_equal(d.count, 3);
}

static void test_what_a_coordinator_would_not_start_with_is_a_fault(void **state)
{
    redis_only(state);
    set("MARATHON_REDIS_TLS_CA_FILE", "nowhere.pem");
    doctor_tls(&d, clock_now().wall);
    found(0, DOCTOR_FAULT, "nowhere.pem");
    set("MARATHON_REDIS_TLS_CA_FILE", "ca.pem");
    set("MARATHON_REDIS_TLS_CERT_FILE", "worker.pem");
    doctor_tls(&d, clock_now().wall);
    found(1, DOCTOR_FAULT, "together with MARATHON_REDIS_TLS_KEY_FILE");
    set("MARATHON_REDIS_TLS_KEY_FILE", "gateway.key");
    doctor_tls(&d, clock_now().wall);
    found(2, DOCTOR_FAULT, "gateway.key");
    setenv("REDIS_URL", "redis://redis.example", 1);
    doctor_tls(&d, clock_now().wall);
    found(3, DOCTOR_FAULT, "REDIS_URL does not use TLS: use rediss:// instead of redis://");
    assert_int_equal(d.count, 4);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_nothing_is_found_where_none_is_named),
        STORY(test_good_one_is_good),
        STORY(test_end_within_14_days_is_a_warning),
        STORY(test_key_that_everybody_can_read_is_a_warning),
        STORY(test_what_does_not_fit_is_a_fault),
        STORY(test_tls_to_redis_without_a_certificate_of_ours_is_good),
        STORY(test_what_is_shown_to_redis_expires_too),
        STORY(test_what_a_coordinator_would_not_start_with_is_a_fault),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
