#include "redis_certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tls/identity.h"

#define PATH_BYTES 128

static char folder[] = "/tmp/marathon-redis-certs-XXXXXX";
static bool made;
static struct redis_tls shared;

static void shell(const char *script)
{
    char command[1500];
    snprintf(command, sizeof command, "cd '%s' && %s", folder, script);
    assert_int_equal(system(command), 0);
}

static void remove_all(void)
{
    char command[200];
    tls_identity_free(shared.identity);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0) {
        fprintf(stderr, "%s stays behind\n", folder);
    }
}

#define ROLES " --role redis --role redis-client "
#define RENAME                                                                                     \
    " && mv redis.pem server.pem && mv redis.key server.key"                                       \
    " && mv redis-client.pem client.pem && mv redis-client.key client.key"

const char *redis_certs(void)
{
    if (made) {
        return folder;
    }
    made = true;
    assert_non_null(mkdtemp(folder));
    atexit(remove_all);
    shell("'" CERTS_SCRIPT "'" ROLES "--redis localhost --redis 127.0.0.1 . >/dev/null" RENAME);
    shell("'" CERTS_SCRIPT "'" ROLES "--redis there.example other >/dev/null && cd other" RENAME);
    shell("cp server.key expired.key && "
          "openssl req -new -key expired.key -subj /CN=expired -out expired.csr && "
          "echo subjectAltName=DNS:localhost,IP:127.0.0.1 >expired.ext && "
          "openssl x509 -req -in expired.csr -CA ca.pem -CAkey ca.key -set_serial 77 -days -1 "
          "-extfile expired.ext -out expired.pem 2>/dev/null");
    return folder;
}

void redis_certs_renew(void)
{
    shell("'" CERTS_SCRIPT "' --role redis --redis localhost --redis 127.0.0.1 . "
          ">/dev/null && mv redis.pem server.pem && mv redis.key server.key");
}

struct tls_identity *redis_certs_client(const char *ca, const char *own)
{
    char authority[PATH_BYTES], cert[PATH_BYTES] = "", key[PATH_BYTES] = "";
    char message[TLS_MESSAGE_BYTES] = "";
    struct tls_identity *identity = NULL;
    snprintf(authority, sizeof authority, "%s/%s", redis_certs(), ca);
    if (own[0] != '\0') {
        snprintf(cert, sizeof cert, "%s/%s.pem", folder, own);
        snprintf(key, sizeof key, "%s/%s.key", folder, own);
    }
    struct tls_files files = {.ca = authority, .cert = cert, .key = key, .password = ""};
    if (tls_client_load(&files, &identity, message) != ERR_OK) {
        fail_msg("%s", message);
    }
    return identity;
}

const struct redis_tls *redis_certs_tls(void)
{
    if (shared.identity == NULL) {
        shared.identity = redis_certs_client("ca.pem", "");
    }
    return &shared;
}

struct store_redis_options redis_certs_options(const struct store_redis_options *options)
{
    struct store_redis_options own = *options;
    if (own.tls == NULL && strncmp(own.url, "rediss", 6) == 0) {
        own.tls = redis_certs_tls();
    }
    return own;
}
