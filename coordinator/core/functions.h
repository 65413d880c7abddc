/* Functions, and the labels that steps of them require: which workers may run what. */
#ifndef MARATHON_CORE_FUNCTIONS_H
#define MARATHON_CORE_FUNCTIONS_H

#include "core/brain.h"

/* The place of a function with these labels ("" = none) in the table; made where it is new. */
uint32_t function_intern(struct core *c, struct bytes name, const char *requires);
void function_release(struct core *c, uint32_t index); /* where it is of no use any more */
struct function *function_of(struct core *c, const struct step *s);
void functions_join(struct core *c, struct worker *w, const struct message *hello);
void functions_leave(struct core *c, struct worker *w);
void functions_free(struct core *c);
/* Why a ready step is not sent out. */
const char *function_lack(const struct function *f, struct arena *arena);
/* Those with ready steps that no worker may run. */
struct waiting_view *functions_waiting(struct core *c, uint32_t *ret_count);
/* What is no fault, but worth to be known: for /readyz. */
struct bytes functions_warning(struct core *c);

#endif
