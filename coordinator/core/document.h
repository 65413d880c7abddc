/* The text of a checkpoint document (document.c): its results come first, its small fields last, so
 * that a new result overwrites only the tail. */
#ifndef MARATHON_CORE_DOCUMENT_H
#define MARATHON_CORE_DOCUMENT_H

#include "base/bytes.h"
#include "base/shared.h"

struct core;
struct pipeline_step;
struct step;
struct task;

#define DOCUMENT_LEAD "{\"results\":{"
/* The results of a new document, put together in the buffer from which the row is written. It has
 * room for results_bytes_max bytes (see document_result_bytes) and lasts as long as the effects
 * do. */
struct shared *document_begin(struct core *c, size_t results_bytes_max);
/* an upper bound */
size_t document_result_bytes(const struct pipeline_step *def, size_t result_bytes);
/* Appends the step's result; sets the step's offset and length. */
void document_add_result(struct shared *results, struct step *s, struct bytes result);
/* Appends the document's tail (all behind the results, from their closing brace on) for the task as
 * it is. */
void document_put_tail(const struct core *c, const struct task *t, struct buf *out);

#endif
