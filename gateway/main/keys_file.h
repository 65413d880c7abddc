/* The file of API keys (api/keys.h), read at the start and again on SIGHUP. */
#ifndef MARATHON_GATEWAY_KEYS_FILE_H
#define MARATHON_GATEWAY_KEYS_FILE_H

#include "api/keys.h"

/* Replaces *keys. ERR_IO: it cannot be read, ERR_INVALID: it is wrong; message says why, and *keys
 * stays as it was. */
enum err MUST_CHECK keys_file_load(const char *path, struct api_keys *keys, char *message,
                                   size_t message_size);

#endif
