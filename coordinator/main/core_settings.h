/* The core's configuration, as far as it is an operator's: defaults where he says nothing. */
#ifndef MARATHON_COORDINATOR_CORE_SETTINGS_H
#define MARATHON_COORDINATOR_CORE_SETTINGS_H

#include "conf/conf.h"
#include "core/core.h"

/* Without name, backend, instance and seed. */
struct core_config core_settings(const struct conf *conf);

#endif
