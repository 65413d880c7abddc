/* TLS between the roles as every daemon uses it: entries for its table of settings, and how to read
 * them. */
#ifndef MARATHON_TLS_TLS_SETTINGS_H
#define MARATHON_TLS_TLS_SETTINGS_H

#include <stdbool.h>

#include "conf/conf.h"
#include "tls/identity.h"

#define TLS_SCHEME "tls+tcp://"

/* clang-format off */
#define CONF_TLS_ENTRIES                                                                           \
    {.env = "MARATHON_TLS_CA_FILE", .kind = CONF_TEXT, .fallback = "",                             \
     .help = "PEM file of the CA that signs the certificates of this cluster and no others: whoever has a certificate from it is trusted as a member"},             \
    {.env = "MARATHON_TLS_CERT_FILE", .kind = CONF_TEXT, .fallback = "",                           \
     .help = "PEM file of the certificate shown to peers at tls+tcp:// addresses, followed by its intermediate certificates; read again on SIGHUP, with its key and the CA"},       \
    {.env = "MARATHON_TLS_KEY_FILE", .kind = CONF_TEXT, .fallback = "",                            \
     .help = "PEM file of that certificate's private key"},                                        \
    {.env = "MARATHON_TLS_KEY_PASSWORD", .kind = CONF_TEXT, .fallback = "", .secret = true,        \
     .help = "password of the private key, if it has one"}
/* clang-format on */

/* Needs a conf whose table has CONF_TLS_ENTRIES. NULL if none of the files is named. ERR_INVALID:
 * message says why, and which setting is at fault. */
enum err MUST_CHECK tls_settings_load(const struct conf *c, struct tls_identity **ret_identity,
                                      char message[TLS_MESSAGE_BYTES]);
/* The same at a daemon's start. urls: the name of the setting that lists addresses. An address that
 * begins with tls+tcp:// requires the files: prints what is wrong and exits with 78, since a
 * restart will not help. An address that begins with tcp:// and belongs to another machine causes a
 * warning, unless MARATHON_INSECURE_LISTEN (in the same table) declares the network private. */
struct tls_identity *tls_settings_start(const struct conf *c, const char *urls,
                                        const char *program);
/* The same on SIGHUP; logs the outcome. NULL: keep the current identity. */
struct tls_identity *tls_settings_again(const struct conf *c);

#endif
