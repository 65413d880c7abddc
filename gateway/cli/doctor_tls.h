/* The part of `marathon doctor` that checks certificates: those named by MARATHON_TLS_CA_FILE,
 * MARATHON_TLS_CERT_FILE and MARATHON_TLS_KEY_FILE in its own environment, as a role would read
 * them; and those of MARATHON_REDIS_TLS_*, as a coordinator with that REDIS_URL would. It does not
 * connect to Redis: the coordinator reports whether Redis accepts them. */
#ifndef MARATHON_CLI_DOCTOR_TLS_H
#define MARATHON_CLI_DOCTOR_TLS_H

#include "base/clock.h"
#include "cli/doctor.h"

/* Adds no findings if none is named. now: the wall clock. */
void doctor_tls(struct doctor *d, unix_ms now);

#endif
