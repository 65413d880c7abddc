/* TLS to Redis: settings for the programs that connect to it (the coordinator) or test the
 * connection (marathon doctor), and how to read them. Their tables must have REDIS_URL as well. */
#ifndef MARATHON_TLS_REDIS_TLS_SETTINGS_H
#define MARATHON_TLS_REDIS_TLS_SETTINGS_H

#include "conf/conf.h"
#include "tls/identity.h"

/* clang-format off */
#define CONF_REDIS_TLS_ENTRIES                                                                     \
    {.env = "MARATHON_REDIS_TLS_CA_FILE", .kind = CONF_TEXT, .fallback = "",                       \
     .help = "rediss://: PEM file of the CA that must have signed Redis's certificate. Without it: the CAs that this system trusts"},                                         \
    {.env = "MARATHON_REDIS_TLS_CERT_FILE", .kind = CONF_TEXT, .fallback = "",                     \
     .help = "rediss://: PEM file of a certificate to show to Redis, if it asks for one (tls-auth-clients); read again on SIGHUP, with its key and the CA"},                 \
    {.env = "MARATHON_REDIS_TLS_KEY_FILE", .kind = CONF_TEXT, .fallback = "",                      \
     .help = "rediss://: PEM file of that certificate's private key"},                             \
    {.env = "MARATHON_REDIS_TLS_KEY_PASSWORD", .kind = CONF_TEXT, .fallback = "", .secret = true,  \
     .help = "rediss://: password of the private key, if it has one"},                          \
    {.env = "MARATHON_REDIS_TLS_NAME", .kind = CONF_TEXT, .fallback = "",                          \
     .help = "rediss://: name that Redis's certificate must have, if it is not the host of the URL, or if sentinels and cluster nodes are known by addresses"}
/* clang-format on */

/* Does REDIS_URL ask for TLS? */
bool redis_tls_is_asked(const struct conf *c);
/* Why these settings do not work together, and which one is at fault; NULL: they do. */
const char *redis_tls_settings_fault(const struct conf *c, const char **ret_setting);
/* Loads the files. Call only if TLS is asked for and the settings have no such fault. ERR_INVALID:
 * message says which file does not fit, and why. */
enum err MUST_CHECK redis_tls_load(const struct conf *c, struct tls_identity **ret_identity,
                                   char message[TLS_MESSAGE_BYTES]);

#endif
