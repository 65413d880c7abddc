/* The key that the command line shows to the gateway: MARATHON_API_KEY, or the content of the file
 * that MARATHON_API_KEY_FILE names. Never an option: those can be seen by all on the machine. */
#ifndef MARATHON_CLI_API_KEY_H
#define MARATHON_CLI_API_KEY_H

#include "base/bytes.h"
#include "base/err.h"

/* Appends it; nothing where there is none. ERR_INVALID, also where both are given: ret_message
 * (appended) says why. */
enum err MUST_CHECK api_key_read(struct buf *ret_key, struct buf *ret_message);

#endif
