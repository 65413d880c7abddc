/* The key that the command line presents to the gateway: MARATHON_API_KEY, or the content of the
 * file named by MARATHON_API_KEY_FILE. Never an option, since everybody on the machine can see
 * those. */
#ifndef MARATHON_CLI_API_KEY_H
#define MARATHON_CLI_API_KEY_H

#include "base/bytes.h"
#include "base/err.h"

/* Appends the key, or nothing if there is none. ERR_INVALID, also if both are given: ret_message
 * (appended) says why. */
enum err MUST_CHECK api_key_read(struct buf *ret_key, struct buf *ret_message);

#endif
