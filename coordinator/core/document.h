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
/* Results that a new document begins with, put together where the row is written from: room for so
 * many bytes (document_result_bytes). Lasts as long as the effects do. */
struct shared *document_begin(struct core *c, size_t results_bytes_max);
size_t document_result_bytes(const struct pipeline_step *def, size_t result_bytes); /* at most */
/* The step's result joins them; sets the step's offset and length. */
void document_add_result(struct shared *results, struct step *s, struct bytes result);
/* The tail behind the results object, from its closing brace on, for a task with so many completed
 * steps. */
void document_put_tail(const struct core *c, const struct task *t, struct buf *out);

#endif
