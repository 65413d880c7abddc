/* The text of deploy/redis.conf, built into the program (CMakeLists.txt here generates
 * dev_redis_conf.c). */
#ifndef MARATHON_CLI_DEV_REDIS_CONF_H
#define MARATHON_CLI_DEV_REDIS_CONF_H

extern const char dev_redis_conf_text[];

#endif
