/* The line before the fields (RFC 9112, 3), made harmless before libwebsockets reads it: what it
 * takes for no request it answers itself, by a page of its own, or closes the connection without a
 * word. So a method that it does not know becomes GET, with blanks behind, and what cannot stand in
 * a target becomes what can; the head goes on to its end and is then to be refused. What is no HTTP
 * at all (no three letters and a blank) is left to it. Pure. */
#ifndef MARATHON_HTTP_REQUEST_LINE_H
#define MARATHON_HTTP_REQUEST_LINE_H

#include "http/field_names.h"

/* As the parts of field_names_mend(): how many of these bytes may go, 0 where more must come. */
size_t request_method_take(struct field_scan *s, uint8_t *at, size_t len);
size_t request_target_take(struct field_scan *s, uint8_t *at, size_t len);
/* Of what stood behind the target: nothing (HTTP/0.9), or HTTP/1.x. */
bool request_version_fits(const char *word, size_t len);

#endif
