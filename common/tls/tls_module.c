#include "tls/tls_module.h"

__attribute__((visibility("default"))) const struct tls_module marathon_tls = {
    .identity_load = tls_identity_load,
    .identity_hold = tls_identity_hold,
    .identity_free = tls_identity_free,
    .identity_expires = tls_identity_expires,
    .identity_name = tls_identity_name,
    .channel_create = tls_channel_create,
    .channel_destroy = tls_channel_destroy,
    .channel_feed = tls_channel_feed,
    .channel_shake = tls_channel_shake,
    .channel_read = tls_channel_read,
    .channel_write = tls_channel_write,
    .channel_fault = tls_channel_fault,
    .channel_unit = tls_channel_unit,
};
