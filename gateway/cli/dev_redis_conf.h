/* deploy/redis.conf as a text, put into the program when it is built (its CMakeLists.txt makes
 * dev_redis_conf.c). */
#ifndef MARATHON_CLI_DEV_REDIS_CONF_H
#define MARATHON_CLI_DEV_REDIS_CONF_H

extern const char dev_redis_conf_text[];

#endif
