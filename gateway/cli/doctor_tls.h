/* The part of `marathon doctor` that looks at certificates: those that MARATHON_TLS_CA_FILE,
 * MARATHON_TLS_CERT_FILE and MARATHON_TLS_KEY_FILE name in its own environment, as a role would
 * read them; and those of MARATHON_REDIS_TLS_*, as a coordinator would with that REDIS_URL. Redis
 * itself is not asked: whether it takes them, the coordinator says when it is asked. */
#ifndef MARATHON_CLI_DOCTOR_TLS_H
#define MARATHON_CLI_DOCTOR_TLS_H

#include "base/clock.h"
#include "cli/doctor.h"

/* Finds nothing where none is named. now: what the wall clock says. */
void doctor_tls(struct doctor *d, unix_ms now);

#endif
