#include "tls/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/marathon-identity-XXXXXX";

static void shell(const char *script)
{
    char command[1500];
    snprintf(command, sizeof command, "cd '%s' && %s", folder, script);
    assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    shell("'" CERTS_SCRIPT "' --coordinator 10.0.0.1 --coordinator c.example . >/dev/null");
    shell("'" CERTS_SCRIPT "' other >/dev/null");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shell("rm -rf '../'$(basename $PWD)");
    return 0;
}

static enum err load(const char *ca, const char *cert, const char *key, const char *password,
                     char message[TLS_MESSAGE_BYTES])
{
    char paths[3][300];
    snprintf(paths[0], sizeof paths[0], "%s/%s", folder, ca);
    snprintf(paths[1], sizeof paths[1], "%s/%s", folder, cert);
    snprintf(paths[2], sizeof paths[2], "%s/%s", folder, key);
    struct tls_files files = {paths[0], paths[1], paths[2], password};
    struct tls_identity *i = NULL;
    message[0] = '\0';
    enum err e = tls_identity_load(&files, &i, message);
    tls_identity_free(i);
    return e;
}

static void assert_refused(const char *ca, const char *cert, const char *key, const char *why)
{
    char message[TLS_MESSAGE_BYTES];
    assert_int_equal(load(ca, cert, key, "", message), ERR_INVALID);
    if (strstr(message, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", message, why);
    }
}

static void test_name_and_end_are_read(void **state)
{
    (void)state;
    char ca[300], cert[300], key[300], message[TLS_MESSAGE_BYTES] = "";
    snprintf(ca, sizeof ca, "%s/ca.pem", folder);
    snprintf(cert, sizeof cert, "%s/coordinator.pem", folder);
    snprintf(key, sizeof key, "%s/coordinator.key", folder);
    struct tls_files files = {ca, cert, key, ""};
    struct tls_identity *i = NULL;
    assert_int_equal(tls_identity_load(&files, &i, message), ERR_OK);
    assert_string_equal(tls_identity_name(i), "c.example");
    assert_in_range((tls_identity_expires(i) - clock_now().wall) / 3600000, 364 * 24, 365 * 24);
    struct tls_identity *same = tls_identity_hold(i);
    tls_identity_free(i);
    assert_string_equal(tls_identity_name(same), "c.example");
    tls_identity_free(same);
}

static void test_what_is_wrong_is_said_with_the_file(void **state)
{
    (void)state;
    assert_refused("ca.pem", "missing.pem", "worker.key", "/missing.pem: No such file");
    assert_refused("ca.key", "worker.pem", "worker.key", "/ca.key: contains no CA certificate");
    assert_refused("ca.pem", "worker.key", "worker.key",
                   "/worker.key: contains no usable certificate");
    assert_refused("ca.pem", "worker.pem", "worker.pem", "/worker.pem: contains no private key");
    assert_refused("ca.pem", "worker.pem", "gateway.key", "/gateway.key: is not the certificate's");
    assert_refused("ca.pem", "other/worker.pem", "other/worker.key",
                   "/other/worker.pem: peers would not trust it");
}

static void test_password_of_a_key_is_used(void **state)
{
    (void)state;
    char message[TLS_MESSAGE_BYTES];
    shell("openssl pkcs8 -topk8 -in worker.key -out locked.key -passout pass:sesame");
    assert_int_equal(load("ca.pem", "worker.pem", "locked.key", "sesame", message), ERR_OK);
    assert_int_equal(load("ca.pem", "worker.pem", "locked.key", "open", message), ERR_INVALID);
    assert_int_equal(load("ca.pem", "worker.pem", "locked.key", "", message), ERR_INVALID);
    assert_non_null(strstr(message, "password"));
}

static void test_script_keeps_what_is_good(void **state)
{
    (void)state;
    shell("cp worker.pem before.pem && '" CERTS_SCRIPT
          "' . >/dev/null && cmp worker.pem before.pem");
    shell("'" CERTS_SCRIPT "' --coordinator new.example . | grep -q 'made ./coordinator.pem'");
    shell("'" CERTS_SCRIPT "' --coordinator new.example . >said && test ! -s said");
    shell("'" CERTS_SCRIPT "' --renew --role worker --days 5 . | grep -q 'worker.pem, good for 5'");
    shell("test $(stat -c %a worker.key) = 600 && test $(stat -c %a ca.key) = 600");
    shell("'" CERTS_SCRIPT
          "' --for-containers . >/dev/null && test $(stat -c %a worker.key) = 444");
    shell("openssl x509 -in worker.pem -noout -checkend 2000000 >/dev/null"); /* 5 days were few */
    shell("! '" CERTS_SCRIPT "' --days never . 2>said && grep -q 'whole number' said");
    shell("! '" CERTS_SCRIPT "' --coordinator 'a;b' . 2>said && grep -q 'neither a DNS name' said");
    shell("'" CERTS_SCRIPT "' --help | grep -q -- --for-containers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_and_end_are_read),
        cmocka_unit_test(test_what_is_wrong_is_said_with_the_file),
        cmocka_unit_test(test_password_of_a_key_is_used),
        cmocka_unit_test(test_script_keeps_what_is_good),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
