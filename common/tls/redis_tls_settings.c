#include "tls/redis_tls_settings.h"

#include <string.h>

#define REDIS_TLS_SCHEME "rediss" /* ://, +sentinel://, +cluster:// */

static const char *const settings[] = {
    "MARATHON_REDIS_TLS_CA_FILE", "MARATHON_REDIS_TLS_CERT_FILE", "MARATHON_REDIS_TLS_KEY_FILE",
    "MARATHON_REDIS_TLS_KEY_PASSWORD", "MARATHON_REDIS_TLS_NAME"};

static bool is_set(const struct conf *c, const char *name)
{
    return conf_text(c, name)[0] != '\0';
}

bool redis_tls_is_asked(const struct conf *c)
{
    return strncmp(conf_text(c, "REDIS_URL"), REDIS_TLS_SCHEME, strlen(REDIS_TLS_SCHEME)) == 0;
}

/* If these settings were ignored here, the operator would believe that a plain-text connection is
 * encrypted. */
const char *redis_tls_settings_fault(const struct conf *c, const char **ret_setting)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (!redis_tls_is_asked(c) && is_set(c, settings[i])) {
            *ret_setting = settings[i];
            return "REDIS_URL does not use TLS: use rediss:// instead of redis://";
        }
    }
    if (is_set(c, "MARATHON_REDIS_TLS_CERT_FILE") != is_set(c, "MARATHON_REDIS_TLS_KEY_FILE")) {
        *ret_setting = "MARATHON_REDIS_TLS_CERT_FILE";
        return "it must be set together with MARATHON_REDIS_TLS_KEY_FILE";
    }
    return NULL;
}

enum err redis_tls_load(const struct conf *c, struct tls_identity **ret_identity,
                        char message[TLS_MESSAGE_BYTES])
{
    struct tls_files files = {.ca = conf_text(c, "MARATHON_REDIS_TLS_CA_FILE"),
                              .cert = conf_text(c, "MARATHON_REDIS_TLS_CERT_FILE"),
                              .key = conf_text(c, "MARATHON_REDIS_TLS_KEY_FILE"),
                              .password = conf_text(c, "MARATHON_REDIS_TLS_KEY_PASSWORD")};
    return tls_client_load(&files, ret_identity, message);
}
