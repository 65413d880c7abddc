/* UTF-8, checked strictly: no overlong forms, no surrogates, nothing above U+10FFFF. Pure. */
#ifndef MARATHON_BASE_UTF8_H
#define MARATHON_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes (1..4) of the valid sequence that begins at `at`; 0 where it is malformed or cut off by
 * `end`, or at == end. */
size_t utf8_sequence(const uint8_t *at, const uint8_t *end);
/* Writes a code point (a valid one: not a surrogate, at most 0x10ffff) into p[4]; returns its
 * bytes. */
size_t utf8_encode(uint32_t code_point, uint8_t *p);

#endif
