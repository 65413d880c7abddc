/* How Redis is reached: what is made of the coordinator's settings. */
#ifndef MARATHON_MAIN_REDIS_SETTINGS_H
#define MARATHON_MAIN_REDIS_SETTINGS_H

#include "base/bytes.h"
#include "conf/conf.h"
#include "store/store.h"
#include "tls/redis_tls_settings.h"

/* At the start, from a conf whose table has CONF_REDIS_TLS_ENTRIES and REDIS_URL. tls is filled in
 * where the URL asks for TLS. Prints what is wrong and exits: with 2, or with 78 for files that do
 * not fit. What it returns borrows from both. */
struct store_redis_options redis_settings(const struct conf *c, struct redis_tls *tls);
/* On SIGHUP: the files are read again, and logged; bad ones change nothing. */
void redis_tls_again(const struct conf *c, struct redis_tls *tls);
/* For /metrics: when the certificate that is shown to Redis expires, where there is one. */
void redis_tls_metrics(const struct redis_tls *tls, struct buf *out);

#endif
