/* Functions, and the labels that steps of them require: which workers may run what. */
#ifndef MARATHON_CORE_FUNCTIONS_H
#define MARATHON_CORE_FUNCTIONS_H

#include "base/heap.h"
#include "core/task.h"

struct core;
struct worker;

/* A function together with the labels that its steps require. Each such pair has a ready order of
 * its own, so that steps that no worker can take are in nobody's way. */
struct function {
    char *name;        /* owned; NULL: this slot of the table is free */
    char *requires;    /* owned; "" = no labels */
    struct bytes key;  /* owned; name and labels as one key of the map */
    struct heap ready; /* of struct step.ready */
    size_t laned; /* steps that are ready, but queued behind another one in their lane (lanes.h) */
    struct worker **workers; /* workers that offer the function and have the labels */
    size_t worker_count, worker_cap;
    size_t next_worker; /* index at which the next search for credit begins, so that steps spread */
    bool warned;        /* it was logged that no worker offers it */
};

/* Index of the function with these labels ("" = none) in the table; added where it is new. */
uint32_t function_intern(struct core *c, struct bytes name, const char *requires);
/* frees its slot where nothing uses it any more */
void function_release(struct core *c, uint32_t index);
struct function *function_of(struct core *c, const struct step *s);
void functions_join(struct core *c, struct worker *w, const struct message *hello);
void functions_leave(struct core *c, struct worker *w);
void functions_free(struct core *c);
/* Why a ready step is not sent out. */
const char *function_lack(const struct function *f, struct arena *arena);
/* The functions with ready steps that no worker may run. */
struct waiting_view *functions_waiting(struct core *c, uint32_t *ret_count);
/* What is no error but worth knowing, for /readyz: a store in memory, functions that no worker
 * offers. */
struct bytes functions_warning(struct core *c);

#endif
