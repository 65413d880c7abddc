/* What a step is to do, where its task's data says so, before it may become ready (resolve.c). */
#ifndef MARATHON_CORE_RESOLVE_H
#define MARATHON_CORE_RESOLVE_H

struct ask;
struct core;
struct step;
struct store_answer;

/* Steps whose condition is being read for: their data passes through memory at once */
#define RESOLVES_MAX 256

void resolve_later(struct core *c, struct step *s); /* phase RESOLVING; asks when it is its turn */
void steps_resolve(struct core *c);
/* The keys of a running step that was claimed. */
void resolve_keys(struct core *c, struct step *s);
void resolve_on_keys(struct core *c, const struct ask *ask, const struct store_answer *a);
void resolve_on_parts(struct core *c, const struct ask *ask, const struct store_answer *a);

#endif
