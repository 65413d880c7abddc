/* The functions of identity.h, channel.h and session.h in processes that do not link OpenSSL: they
 * forward to the module. All but the loading functions need an identity, so only those have to load
 * the module. */
#include "tls/tls_module.h"

#include "base/library.h"

static struct {
    const struct tls_module *functions;
} module;

static const struct tls_module *load(void)
{
    static const struct library_symbol symbols[] = {{"marathon_tls", 0}};
    static const struct library library = {
        .soname = TLS_MODULE_FILE,
        .user = "TLS (MARATHON_TLS_CERT_FILE, rediss://)",
        .symbols = symbols,
        .symbol_count = 1,
    };
    if (module.functions == NULL) {
        library_load(&library, &module);
    }
    return module.functions;
}

enum err tls_identity_load(const struct tls_files *files, struct tls_identity **ret_identity,
                           char message[TLS_MESSAGE_BYTES])
{
    return load()->identity_load(files, ret_identity, message);
}

enum err tls_client_load(const struct tls_files *files, struct tls_identity **ret_identity,
                         char message[TLS_MESSAGE_BYTES])
{
    return load()->client_load(files, ret_identity, message);
}

struct tls_identity *tls_identity_hold(struct tls_identity *i)
{
    return module.functions->identity_hold(i);
}

void tls_identity_free(struct tls_identity *i)
{
    if (i != NULL) {
        module.functions->identity_free(i);
    }
}

unix_ms tls_identity_expires(const struct tls_identity *i)
{
    return module.functions->identity_expires(i);
}

const char *tls_identity_name(const struct tls_identity *i)
{
    return module.functions->identity_name(i);
}

struct tls_channel *tls_channel_create(struct tls_identity *identity, const char *peer)
{
    return module.functions->channel_create(identity, peer);
}

void tls_channel_destroy(struct tls_channel *c)
{
    if (c != NULL) {
        module.functions->channel_destroy(c);
    }
}

void tls_channel_feed(struct tls_channel *c, struct bytes came)
{
    module.functions->channel_feed(c, came);
}

enum tls_state tls_channel_shake(struct tls_channel *c, struct buf *out)
{
    return module.functions->channel_shake(c, out);
}

enum tls_state tls_channel_read(struct tls_channel *c, struct tls_room into, size_t *ret_len,
                                struct buf *out)
{
    return module.functions->channel_read(c, into, ret_len, out);
}

enum err tls_channel_write(struct tls_channel *c, struct bytes plain, struct buf *out)
{
    return module.functions->channel_write(c, plain, out);
}

const char *tls_channel_fault(const struct tls_channel *c)
{
    return module.functions->channel_fault(c);
}

const char *tls_channel_unit(const struct tls_channel *c)
{
    return module.functions->channel_unit(c);
}

struct tls_session *tls_session_create(struct tls_identity *identity, const char *peer, int fd)
{
    return module.functions->session_create(identity, peer, fd);
}

void tls_session_destroy(struct tls_session *s)
{
    if (s != NULL) {
        module.functions->session_destroy(s);
    }
}

enum tls_state tls_session_shake(struct tls_session *s, bool *ret_write)
{
    return module.functions->session_shake(s, ret_write);
}

ssize_t tls_session_read(struct tls_session *s, void *into, size_t size)
{
    return module.functions->session_read(s, into, size);
}

bool tls_session_holds(const struct tls_session *s)
{
    return module.functions->session_holds(s);
}

ssize_t tls_session_write(struct tls_session *s, struct bytes plain)
{
    return module.functions->session_write(s, plain);
}

enum tls_fault tls_session_fault(const struct tls_session *s)
{
    return module.functions->session_fault(s);
}

const char *tls_session_why(const struct tls_session *s)
{
    return module.functions->session_why(s);
}
