/* What libwebsockets reads from a client's connection, with its fields' names made harmless
 * (field_names.h), and bodies where they are gathered. It reads by recv(), which is ours in this
 * program: it is libc's for all other descriptors and threads. Loop's thread. */
#ifndef MARATHON_HTTP_FIELD_READS_H
#define MARATHON_HTTP_FIELD_READS_H

#include "http/field_names.h"

/* Of a new connection, before libwebsockets has it. There is no end: a descriptor that is used
 * again begins anew, and nobody else in this program reads by recv(). */
void field_reads_begin(int fd);
/* Whose bodies are read into where they are gathered (body_reads.h), until it leaves; nothing where
 * another one has the descriptor by then. */
struct conn;
void field_reads_join(int fd, struct conn *c);
void field_reads_leave(int fd, const struct conn *c);
/* What is wrong with a head of this connection, the first being 0. */
enum field_fault field_reads_fault(int fd, uint32_t head);

#endif
