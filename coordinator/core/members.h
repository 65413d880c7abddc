/* Who the coordinators are (members.c): told to workers and gateways, so that they find all. */
#ifndef MARATHON_CORE_MEMBERS_H
#define MARATHON_CORE_MEMBERS_H

#include "core/core.h"

void members_learn(struct core *c, const struct owner_record *owners); /* and tells all peers */
void members_tell(struct core *c, peer_id peer);
void members_free(struct core *c);

#endif
