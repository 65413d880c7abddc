/* Ready steps to free workers, in three steps: dispatch.c chooses a step and a worker and reserves
 * a credit; the step's input is read (phase FETCHING); order.c makes the order from what was read
 * and sends it. */
#ifndef MARATHON_CORE_DISPATCH_H
#define MARATHON_CORE_DISPATCH_H

#include "core/core.h"

struct ask;
struct scope;
struct step;
struct worker;

struct hold;

/* Dispatches as many as there are credits and room for. Called at the end of each turn. */
void dispatch(struct core *c);
/* Reads what the order of s is made of; a credit of w is reserved. Takes ownership of hold (NULL:
 * none) on success. False where too many reads wait: on failure hold stays with the caller. */
bool dispatch_fetch(struct core *c, struct step *s, struct worker *w, struct hold *hold);
void dispatch_on_parts(struct core *c, const struct ask *ask, const struct store_answer *a);
/* Gives back a credit that was reserved for an order that is not sent. Does nothing where that
 * connection of the worker is gone. */
void credit_give_back(struct core *c, uint64_t serial, peer_id peer);

/* ---- order.c ----
 *
 * Sets ret_scope to what the order of a step is made of: what its input's expressions name, or else
 * the task's input and the results of all ancestors. In arena. */
void order_want(struct core *c, const struct step *s, struct arena *arena, struct scope *ret_scope);
/* Sends the order: the step runs at w from here on, and ask's hold belongs to the run. False where
 * nothing was sent: rendering its input has failed the step, the credit was given back, the hold is
 * still ask's. */
bool order_send(struct core *c, struct step *s, struct worker *w, const struct ask *ask,
                const struct store_answer *a);

#endif
