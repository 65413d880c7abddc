#include "cli/doctor_tls.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/shipped.h"
#include "tls/tls_settings.h"

#define CHECK         "certificate"
#define PREFIX        "MARATHON_TLS_"
#define SETTINGS_MAX  16
#define DAY_MS        ((unix_ms)86400000)
#define DAYS_LEFT_FEW 14
#define RENEW         "renew it (certs --renew), then SIGHUP to the role"

extern char **environ;

static const struct conf_entry entries[] = {CONF_TLS_ENTRIES};

static const struct conf_program program = {
    .name = "marathon",
    .entries = entries,
    .entry_count = sizeof entries / sizeof entries[0],
};

/* Those of our settings only: a file of settings is for the roles. */
static enum err settings_read(struct conf **ret_conf, const char **ret_message)
{
    static char name[] = "marathon";
    char *argv[] = {name, NULL};
    char *ours[SETTINGS_MAX + 1] = {NULL};
    size_t count = 0;
    for (char **at = environ; *at != NULL && count < SETTINGS_MAX; at++) {
        if (strncmp(*at, PREFIX, strlen(PREFIX)) == 0) {
            ours[count++] = *at;
        }
    }
    return conf_parse(&program, 1, argv, ours, ret_conf, ret_message);
}

static void see_key(struct doctor *d, const char *path)
{
    struct stat about;
    if (stat(path, &about) == 0 && (about.st_mode & S_IRWXO) != 0) {
        doctor_find(d, DOCTOR_WARNING, CHECK, "chmod 0600, or 0640 with the group of its role",
                    "%s: everybody on this machine can read the key (mode %04o)", path,
                    (unsigned)(about.st_mode & 07777));
    }
}

static void see_identity(struct doctor *d, const struct tls_identity *identity, const char *path,
                         unix_ms now)
{
    char until[TIME_TEXT_BYTES];
    unix_ms expires = tls_identity_expires(identity);
    (void)time_format(expires, until);
    if (expires - now < DAYS_LEFT_FEW * DAY_MS) {
        doctor_find(d, DOCTOR_WARNING, CHECK, RENEW, "%s: expires in %lld days, at %s", path,
                    (long long)((expires - now) / DAY_MS), until);
    } else {
        doctor_find(d, DOCTOR_GOOD, CHECK, "", "%s: good until %s", path, until);
    }
}

void doctor_tls(struct doctor *d, unix_ms now)
{
    struct conf *conf = NULL;
    struct tls_identity *identity = NULL;
    const char *why = NULL;
    char message[TLS_MESSAGE_BYTES];
    if (settings_read(&conf, &why) != ERR_OK) {
        doctor_find(d, DOCTOR_FAULT, CHECK, "correct the setting", "%s", why);
        return;
    }
    if (tls_settings_load(conf, &identity, message) != ERR_OK) {
        doctor_find(d, DOCTOR_FAULT, CHECK, SHIPPED("certs") " makes what fits together", "%s",
                    message);
    } else if (identity != NULL) {
        see_identity(d, identity, conf_text(conf, "MARATHON_TLS_CERT_FILE"), now);
    }
    if (conf_text(conf, "MARATHON_TLS_KEY_FILE")[0] != '\0') {
        see_key(d, conf_text(conf, "MARATHON_TLS_KEY_FILE"));
    }
    tls_identity_free(identity);
    conf_free(conf);
}
