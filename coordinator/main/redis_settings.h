/* How Redis is reached: rows of the coordinator's table of settings, and what is made of them. */
#ifndef MARATHON_MAIN_REDIS_SETTINGS_H
#define MARATHON_MAIN_REDIS_SETTINGS_H

#include "base/bytes.h"
#include "conf/conf.h"
#include "store/store.h"

/* clang-format off */
#define CONF_REDIS_TLS_ENTRIES                                                                     \
    {.env = "MARATHON_REDIS_TLS_CA_FILE", .kind = CONF_TEXT, .fallback = "",                       \
     .help = "rediss://: PEM file of the authority that must have signed Redis's certificate. "    \
             "Without it: those that this system trusts"},                                         \
    {.env = "MARATHON_REDIS_TLS_CERT_FILE", .kind = CONF_TEXT, .fallback = "",                     \
     .help = "rediss://: PEM file of a certificate to show to Redis, where it asks for one "       \
             "(tls-auth-clients); read again on SIGHUP, with its key and the CA"},                 \
    {.env = "MARATHON_REDIS_TLS_KEY_FILE", .kind = CONF_TEXT, .fallback = "",                      \
     .help = "rediss://: PEM file of that certificate's private key"},                             \
    {.env = "MARATHON_REDIS_TLS_KEY_PASSWORD", .kind = CONF_TEXT, .fallback = "", .secret = true,  \
     .help = "rediss://: password of the private key, where it has one"},                          \
    {.env = "MARATHON_REDIS_TLS_NAME", .kind = CONF_TEXT, .fallback = "",                          \
     .help = "rediss://: name that Redis's certificate must have, where it is not the host of the "\
             "URL, or sentinels and cluster nodes name addresses"}
/* clang-format on */

/* At the start, from a conf whose table has those rows and REDIS_URL. tls is filled in where the
 * URL asks for TLS. Prints what is wrong and exits: with 2, or with 78 for files that do not fit.
 * What it returns borrows from both. */
struct store_redis_options redis_settings(const struct conf *c, struct redis_tls *tls);
/* On SIGHUP: the files are read again, and logged; bad ones change nothing. */
void redis_tls_again(const struct conf *c, struct redis_tls *tls);
/* For /metrics: when the certificate that is shown to Redis expires, where there is one. */
void redis_tls_metrics(const struct redis_tls *tls, struct buf *out);

#endif
