/* Functions, and the labels that steps of them require: which workers may run what. */
#ifndef MARATHON_CORE_FUNCTIONS_H
#define MARATHON_CORE_FUNCTIONS_H

#include "base/heap.h"
#include "core/task.h"

struct core;
struct worker;

/* A function, and the labels that steps of it require: each such pair has a ready order of its own,
 * so that one that nobody can take is in nobody's way. */
struct function {
    char *name;              /* owned; NULL: this place of the table is free */
    char *requires;          /* owned; "" = no labels */
    struct bytes key;        /* owned: both as one, for the map */
    struct heap ready;       /* of struct step.ready */
    size_t laned;            /* ready too, and behind another one of their lane (lanes.h) */
    struct worker **workers; /* that offer it and have the labels */
    size_t worker_count, worker_cap;
    size_t next_worker; /* where the next search for credit begins: spreads the steps */
    bool warned;        /* that nobody offers it */
};

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
