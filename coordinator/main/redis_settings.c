#include "main/redis_settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metric_text.h"
#include "tls/identity.h"

#define EXIT_USAGE  2
#define EXIT_CONFIG 78       /* EX_CONFIG of sysexits */
#define TLS_SCHEME  "rediss" /* ://, +sentinel://, +cluster:// */

static const char *const settings[] = {
    "MARATHON_REDIS_TLS_CA_FILE", "MARATHON_REDIS_TLS_CERT_FILE", "MARATHON_REDIS_TLS_KEY_FILE",
    "MARATHON_REDIS_TLS_KEY_PASSWORD", "MARATHON_REDIS_TLS_NAME"};

static bool is_set(const struct conf *c, const char *name)
{
    return conf_text(c, name)[0] != '\0';
}

static bool asks_for_tls(const struct conf *c)
{
    return strncmp(conf_text(c, "REDIS_URL"), TLS_SCHEME, strlen(TLS_SCHEME)) == 0;
}

static void give_up(int code, const char *setting, const char *why)
{
    (void)fprintf(stderr, "marathon-coordinator: %s: %s\n", setting, why);
    _exit(code);
}

/* A setting without effect here would be plain text that somebody believes to be none. */
static void check(const struct conf *c)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (!asks_for_tls(c) && is_set(c, settings[i])) {
            give_up(EXIT_USAGE, settings[i],
                    "REDIS_URL does not ask for TLS: rediss:// instead of redis://");
        }
    }
    if (is_set(c, "MARATHON_REDIS_TLS_CERT_FILE") != is_set(c, "MARATHON_REDIS_TLS_KEY_FILE")) {
        give_up(EXIT_USAGE, "MARATHON_REDIS_TLS_CERT_FILE",
                "it and MARATHON_REDIS_TLS_KEY_FILE go together");
    }
}

static enum err load(const struct conf *c, struct tls_identity **ret_identity, char *message)
{
    struct tls_files files = {.ca = conf_text(c, "MARATHON_REDIS_TLS_CA_FILE"),
                              .cert = conf_text(c, "MARATHON_REDIS_TLS_CERT_FILE"),
                              .key = conf_text(c, "MARATHON_REDIS_TLS_KEY_FILE"),
                              .password = conf_text(c, "MARATHON_REDIS_TLS_KEY_PASSWORD")};
    return tls_client_load(&files, ret_identity, message);
}

static void log_loaded(const struct conf *c, const struct tls_identity *identity)
{
    char until[TIME_TEXT_BYTES];
    const char *ca = conf_text(c, "MARATHON_REDIS_TLS_CA_FILE");
    unix_ms expires = tls_identity_expires(identity);
    log_line(LOG_INFO, "redis_tls_read", "authority=%s own_expires=%s",
             LOG_Q(ca[0] != '\0' ? ca : "the system's"),
             expires != 0 ? time_format(expires, until) : "none");
}

struct store_redis_options redis_settings(const struct conf *c, struct redis_tls *tls)
{
    char message[TLS_MESSAGE_BYTES];
    check(c);
    if (asks_for_tls(c)) {
        if (load(c, &tls->identity, message) != ERR_OK) {
            give_up(EXIT_CONFIG, "rediss://", message);
        }
        tls->name = conf_text(c, "MARATHON_REDIS_TLS_NAME");
        log_loaded(c, tls->identity);
    }
    return (struct store_redis_options){
        .url = conf_text(c, "REDIS_URL"),
        .password = conf_text(c, "MARATHON_REDIS_PASSWORD"),
        .sentinel_user = conf_text(c, "MARATHON_REDIS_SENTINEL_USER"),
        .sentinel_password = conf_text(c, "MARATHON_REDIS_SENTINEL_PASSWORD"),
        .tls = tls->identity != NULL ? tls : NULL,
        .deadline_ms = 1000,
        .replicas = (uint32_t)conf_int(c, "MARATHON_REDIS_WAIT"),
        .relaxed = strcmp(conf_text(c, "MARATHON_DURABILITY"), "relaxed") == 0};
}

void redis_tls_again(const struct conf *c, struct redis_tls *tls)
{
    struct tls_identity *identity = NULL;
    char message[TLS_MESSAGE_BYTES];
    if (tls->identity == NULL) {
        return;
    }
    if (load(c, &identity, message) != ERR_OK) {
        log_line(LOG_ERROR, "redis_tls_bad", "why=%s action=\"the old one stays\"", LOG_Q(message));
        return;
    }
    tls_identity_free(tls->identity); /* open connections hold it */
    tls->identity = identity;
    log_loaded(c, identity);
}

void redis_tls_metrics(const struct redis_tls *tls, struct buf *out)
{
    unix_ms expires = tls->identity != NULL ? tls_identity_expires(tls->identity) : 0;
    struct metric_text t = {out, "marathon_redis_tls_"};
    if (expires != 0) {
        metric_seconds(&t, "certificate_expires_timestamp_seconds",
                       "When the certificate shown to Redis expires, as a Unix time.",
                       (double)expires / 1000);
    }
}
