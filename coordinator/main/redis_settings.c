#include "main/redis_settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metric_text.h"

#define EXIT_USAGE  2
#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits */

static void give_up(int code, const char *setting, const char *why)
{
    (void)fprintf(stderr, "marathon-coordinator: %s: %s\n", setting, why);
    _exit(code);
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
    const char *setting = NULL, *why = redis_tls_settings_fault(c, &setting);
    if (why != NULL) {
        give_up(EXIT_USAGE, setting, why);
    }
    if (redis_tls_is_asked(c)) {
        if (redis_tls_load(c, &tls->identity, message) != ERR_OK) {
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
    if (redis_tls_load(c, &identity, message) != ERR_OK) {
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
