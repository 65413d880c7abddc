/* Evaluates what a step does where that depends on its task's data (its condition, its for_each
 * list, the keys of its limits, the time of its wait), before it may become ready. */
#ifndef MARATHON_CORE_RESOLVE_H
#define MARATHON_CORE_RESOLVE_H

struct ask;
struct core;
struct step;
struct store_answer;

/* Steps whose data is being read at once: it passes through memory */
#define RESOLVES_MAX 256

/* enters PHASE_RESOLVING and reads when it is its turn */
void resolve_later(struct core *c, struct step *s);
void steps_resolve(struct core *c);
/* Evaluates the limit keys of a running step that was claimed. */
void resolve_keys(struct core *c, struct step *s);
void resolve_on_keys(struct core *c, const struct ask *ask, const struct store_answer *a);
void resolve_on_parts(struct core *c, const struct ask *ask, const struct store_answer *a);

#endif
