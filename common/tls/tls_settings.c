#include "tls/tls_settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/shipped.h"

#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits */
#define TCP_SCHEME  "tcp://"

static const char *const file_settings[] = {"MARATHON_TLS_CA_FILE", "MARATHON_TLS_CERT_FILE",
                                            "MARATHON_TLS_KEY_FILE"};
#define FILE_SETTINGS (sizeof file_settings / sizeof file_settings[0])

enum err tls_settings_load(const struct conf *c, struct tls_identity **ret_identity,
                           char message[TLS_MESSAGE_BYTES])
{
    const char *missing = NULL;
    size_t named = 0;
    for (size_t i = 0; i < FILE_SETTINGS; i++) {
        bool set = conf_text(c, file_settings[i])[0] != '\0';
        named += set;
        missing = set ? missing : file_settings[i];
    }
    if (named == 0) {
        *ret_identity = NULL;
        return ERR_OK;
    }
    if (missing != NULL) {
        (void)snprintf(message, TLS_MESSAGE_BYTES,
                       "%s is not set: MARATHON_TLS_CA_FILE, MARATHON_TLS_CERT_FILE and "
                       "MARATHON_TLS_KEY_FILE must be set together",
                       missing);
        return ERR_INVALID;
    }
    struct tls_files files = {.ca = conf_text(c, "MARATHON_TLS_CA_FILE"),
                              .cert = conf_text(c, "MARATHON_TLS_CERT_FILE"),
                              .key = conf_text(c, "MARATHON_TLS_KEY_FILE"),
                              .password = conf_text(c, "MARATHON_TLS_KEY_PASSWORD")};
    return tls_identity_load(&files, ret_identity, message);
}

static void log_loaded(const struct tls_identity *i)
{
    char until[TIME_TEXT_BYTES];
    log_line(LOG_INFO, "certificate_read", "name=%s expires=%s", LOG_Q(tls_identity_name(i)),
             time_format(tls_identity_expires(i), until));
}

/* tcp:// to another machine, although nobody has declared the network private. */
static bool is_bare(const struct conf *c, const char *url)
{
    static const char *const here[] = {"127.", "localhost:", "[::1]:"};
    bool bare = strncmp(url, TCP_SCHEME, strlen(TCP_SCHEME)) == 0;
    for (size_t i = 0; i < sizeof here / sizeof here[0] && bare; i++) {
        bare = strncmp(url + strlen(TCP_SCHEME), here[i], strlen(here[i])) != 0;
    }
    return bare && !conf_bool(c, "MARATHON_INSECURE_LISTEN");
}

struct tls_identity *tls_settings_start(const struct conf *c, const char *urls, const char *program)
{
    struct tls_identity *identity = NULL;
    char message[TLS_MESSAGE_BYTES];
    const char *const *items = NULL;
    if (tls_settings_load(c, &identity, message) != ERR_OK) {
        (void)fprintf(stderr, "%s: %s\n", program, message);
        _exit(EXIT_CONFIG);
    }
    size_t count = conf_list(c, urls, &items);
    for (size_t i = 0; i < count && identity == NULL; i++) {
        if (strncmp(items[i], TLS_SCHEME, strlen(TLS_SCHEME)) == 0) {
            (void)fprintf(stderr,
                          "%s: %s: %s needs a certificate: set MARATHON_TLS_CA_FILE, "
                          "MARATHON_TLS_CERT_FILE and MARATHON_TLS_KEY_FILE; for trials, " SHIPPED(
                              "certs") " makes them\n",
                          program, urls, items[i]);
            _exit(EXIT_CONFIG);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (is_bare(c, items[i])) {
            log_line(LOG_WARN, "plain_text", "setting=%s url=%s why=%s", urls, LOG_Q(items[i]),
                     LOG_Q("another machine, neither encrypted nor authenticated: use tls+tcp://, "
                           "or keep that network private"));
        }
    }
    if (identity != NULL) {
        log_loaded(identity);
    }
    return identity;
}

struct tls_identity *tls_settings_again(const struct conf *c)
{
    struct tls_identity *identity = NULL;
    char message[TLS_MESSAGE_BYTES];
    if (tls_settings_load(c, &identity, message) != ERR_OK) {
        log_line(LOG_ERROR, "certificate_bad", "why=%s action=\"the old one stays\"",
                 LOG_Q(message));
    } else if (identity != NULL) {
        log_loaded(identity);
    }
    return identity;
}
