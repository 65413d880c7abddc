/* UTF-8, checked strictly: no overlong forms, no surrogates, nothing above U+10FFFF. Pure. */
#ifndef MARATHON_BASE_UTF8_H
#define MARATHON_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length (1..4) of the valid sequence that begins at `at`; 0 if it is malformed, cut off by `end`,
 * or at == end. */
size_t utf8_sequence(const uint8_t *at, const uint8_t *end);
/* Writes a valid code point (no surrogate, at most 0x10ffff) into p[4]; returns the number of
 * bytes. */
size_t utf8_encode(uint32_t code_point, uint8_t *p);

#endif
