/* The function library (marathon.lua) as it is loaded into Redis: its text with the name filled in.
 * The name carries the version and a hash of the text, "marathon_v1_0123456789ab", and each
 * function's name starts with it, so that coordinators of two versions can use one Redis during a
 * rolling upgrade. Pure. */
#ifndef MARATHON_STORE_REDIS_LIBRARY_H
#define MARATHON_STORE_REDIS_LIBRARY_H

#include "base/bytes.h"

#define LIBRARY_VERSION    1
#define LIBRARY_NAME_BYTES 32

/* marathon.lua, generated at build time. */
extern const unsigned char library_source[];
extern const size_t library_source_bytes;

/* Writes the name into text; returns text. */
char *library_name(char text[LIBRARY_NAME_BYTES]);
/* Appends the text for FUNCTION LOAD. */
void library_text(const char *name, struct buf *out);

#endif
