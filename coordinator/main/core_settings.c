#include "main/core_settings.h"

struct core_config core_settings(const struct conf *conf)
{
    struct core_config c = core_config_default();
    c.checkpoint_interval_s = (uint32_t)conf_int(conf, "MARATHON_CHECKPOINT_INTERVAL");
    c.max_retries = (uint32_t)conf_int(conf, "MARATHON_MAX_RETRIES_PER_STEP");
    c.priority_ms = conf_int(conf, "MARATHON_PRIORITY_SECONDS") * 1000;
    c.max_duration_s = (uint32_t)conf_int(conf, "MARATHON_MAX_TASK_DURATION");
    c.ttl_s = (uint32_t)conf_int(conf, "MARATHON_CHECKPOINT_TTL");
    c.tasks_max = (uint32_t)conf_int(conf, "MARATHON_TASKS_MAX");
    c.recovery_enabled = conf_bool(conf, "MARATHON_ENABLE_RECOVERY");
    c.standby = conf_bool(conf, "MARATHON_STANDBY");
    c.checkpoints_enabled = conf_bool(conf, "MARATHON_ENABLE_CHECKPOINTS");
    return c;
}
