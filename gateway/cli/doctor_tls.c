#include "cli/doctor_tls.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/shipped.h"
#include "tls/redis_tls_settings.h"
#include "tls/tls_settings.h"

#define CHECK         "certificate"
#define SETTINGS_MAX  16
#define DAY_MS        ((unix_ms)86400000)
#define DAYS_LEFT_FEW 14
#define RENEW         "renew it (certs --renew), then SIGHUP to the role"
#define RENEW_REDIS   "renew it by the authority that Redis believes, then SIGHUP to the coordinator"

extern char **environ;

static const char *const ours[] = {"MARATHON_TLS_", "MARATHON_REDIS_TLS_",
                                   "REDIS_URL=", "REDIS_URL_FILE="};

static const struct conf_entry entries[] = {
    CONF_TLS_ENTRIES,
    {.env = "REDIS_URL", .kind = CONF_TEXT, .fallback = "", .help = "as the coordinator's"},
    CONF_REDIS_TLS_ENTRIES,
};

static const struct conf_program program = {
    .name = "marathon",
    .entries = entries,
    .entry_count = sizeof entries / sizeof entries[0],
};

static bool is_ours(const char *variable)
{
    bool is = false;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        is = is || strncmp(variable, ours[i], strlen(ours[i])) == 0;
    }
    return is;
}

/* Reads only the settings of this table: a file of settings is for the roles. */
static enum err settings_read(struct conf **ret_conf, const char **ret_message)
{
    static char name[] = "marathon";
    char *argv[] = {name, NULL};
    char *set[SETTINGS_MAX + 1] = {NULL};
    size_t count = 0;
    for (char **at = environ; *at != NULL && count < SETTINGS_MAX; at++) {
        if (is_ours(*at)) {
            set[count++] = *at;
        }
    }
    return conf_parse(&program, 1, argv, set, ret_conf, ret_message);
}

static void see_key(struct doctor *d, const char *path)
{
    struct stat about;
    if (stat(path, &about) == 0 && (about.st_mode & S_IRWXO) != 0) {
        doctor_find(d, DOCTOR_WARNING, CHECK, "chmod 0600, or 0640 with its role's group",
                    "%s: everybody on this machine can read the key (mode %04o)", path,
                    (unsigned)(about.st_mode & 07777));
    }
}

static void see_identity(struct doctor *d, const struct tls_identity *identity, const char *path,
                         const char *renew, unix_ms now)
{
    char until[TIME_TEXT_BYTES];
    unix_ms expires = tls_identity_expires(identity);
    (void)time_format(expires, until);
    if (expires - now < DAYS_LEFT_FEW * DAY_MS) {
        doctor_find(d, DOCTOR_WARNING, CHECK, renew, "%s: expires in %lld days, at %s", path,
                    (long long)((expires - now) / DAY_MS), until);
    } else {
        doctor_find(d, DOCTOR_GOOD, CHECK, "", "%s: good until %s", path, until);
    }
}

static void see_roles(struct doctor *d, const struct conf *conf, unix_ms now)
{
    struct tls_identity *identity = NULL;
    char message[TLS_MESSAGE_BYTES];
    if (tls_settings_load(conf, &identity, message) != ERR_OK) {
        doctor_find(d, DOCTOR_FAULT, CHECK, SHIPPED("certs") " makes what fits together", "%s",
                    message);
    } else if (identity != NULL) {
        see_identity(d, identity, conf_text(conf, "MARATHON_TLS_CERT_FILE"), RENEW, now);
    }
    if (conf_text(conf, "MARATHON_TLS_KEY_FILE")[0] != '\0') {
        see_key(d, conf_text(conf, "MARATHON_TLS_KEY_FILE"));
    }
    tls_identity_free(identity);
}

static void see_redis(struct doctor *d, const struct conf *conf, unix_ms now)
{
    struct tls_identity *identity = NULL;
    char message[TLS_MESSAGE_BYTES];
    const char *setting = NULL, *why = redis_tls_settings_fault(conf, &setting);
    if (why != NULL) {
        doctor_find(d, DOCTOR_FAULT, CHECK,
                    "the coordinator does not start with these: correct them", "%s: %s", setting,
                    why);
    } else if (!redis_tls_is_asked(conf)) {
        return;
    } else if (redis_tls_load(conf, &identity, message) != ERR_OK) {
        doctor_find(d, DOCTOR_FAULT, CHECK,
                    "the coordinator does not start with these files: correct them",
                    "TLS to Redis: %s", message);
    } else if (tls_identity_expires(identity) == 0) {
        const char *ca = conf_text(conf, "MARATHON_REDIS_TLS_CA_FILE");
        doctor_find(d, DOCTOR_GOOD, CHECK, "", "TLS to Redis: trusts %s, and shows no certificate",
                    ca[0] != '\0' ? ca : "the CAs of this system");
    } else {
        see_identity(d, identity, conf_text(conf, "MARATHON_REDIS_TLS_CERT_FILE"), RENEW_REDIS,
                     now);
    }
    if (conf_text(conf, "MARATHON_REDIS_TLS_KEY_FILE")[0] != '\0') {
        see_key(d, conf_text(conf, "MARATHON_REDIS_TLS_KEY_FILE"));
    }
    tls_identity_free(identity);
}

void doctor_tls(struct doctor *d, unix_ms now)
{
    struct conf *conf = NULL;
    const char *why = NULL;
    if (settings_read(&conf, &why) != ERR_OK) {
        doctor_find(d, DOCTOR_FAULT, CHECK, "correct the setting", "%s", why);
        return;
    }
    see_roles(d, conf, now);
    see_redis(d, conf, now);
    conf_free(conf);
}
