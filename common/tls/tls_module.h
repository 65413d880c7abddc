/* Internal to common/tls. marathon-tls.so contains the implementation of identity.h, channel.h and
 * session.h, and links OpenSSL. A process loads it when it reads its first certificate; a process
 * without TLS pays for neither. Within the process the functions of those headers forward to the
 * module (tls_loaded.c). */
#ifndef MARATHON_TLS_TLS_MODULE_H
#define MARATHON_TLS_TLS_MODULE_H

#include "tls/channel.h"
#include "tls/session.h"

#define TLS_MODULE_FILE "marathon-tls.so" /* in lib/marathon, beside the programs' bin */

/* The functions of the module, as documented in the headers. */
struct tls_module {
    enum err (*identity_load)(const struct tls_files *files, struct tls_identity **ret_identity,
                              char message[TLS_MESSAGE_BYTES]);
    enum err (*client_load)(const struct tls_files *files, struct tls_identity **ret_identity,
                            char message[TLS_MESSAGE_BYTES]);
    struct tls_identity *(*identity_hold)(struct tls_identity *i);
    void (*identity_free)(struct tls_identity *i);
    unix_ms (*identity_expires)(const struct tls_identity *i);
    const char *(*identity_name)(const struct tls_identity *i);
    struct tls_channel *(*channel_create)(struct tls_identity *identity, const char *peer);
    void (*channel_destroy)(struct tls_channel *c);
    void (*channel_feed)(struct tls_channel *c, struct bytes came);
    enum tls_state (*channel_shake)(struct tls_channel *c, struct buf *out);
    enum tls_state (*channel_read)(struct tls_channel *c, struct tls_room into, size_t *ret_len,
                                   struct buf *out);
    enum err (*channel_write)(struct tls_channel *c, struct bytes plain, struct buf *out);
    const char *(*channel_fault)(const struct tls_channel *c);
    const char *(*channel_unit)(const struct tls_channel *c);
    struct tls_session *(*session_create)(struct tls_identity *identity, const char *peer, int fd);
    void (*session_destroy)(struct tls_session *s);
    enum tls_state (*session_shake)(struct tls_session *s, bool *ret_write);
    ssize_t (*session_read)(struct tls_session *s, void *into, size_t size);
    bool (*session_holds)(const struct tls_session *s);
    ssize_t (*session_write)(struct tls_session *s, struct bytes plain);
    enum tls_fault (*session_fault)(const struct tls_session *s);
    const char *(*session_why)(const struct tls_session *s);
};

extern const struct tls_module marathon_tls; /* the module's only visible symbol */

#endif
