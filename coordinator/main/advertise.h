/* The URL that a coordinator names to those that know only another one (MARATHON_ADVERTISE). */
#ifndef MARATHON_COORDINATOR_ADVERTISE_H
#define MARATHON_COORDINATOR_ADVERTISE_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

#define ADVERTISE_BYTES 512u

struct advertise_self {
    const char *address; /* the only one that this machine has in a network; NULL: none, several */
    const char *name;    /* that its certificate has; "" or NULL: none */
};

/* From what it listens on: the first URL that others can dial, of other machines' rather than of
 * this one's. A wildcard (0.0.0.0, [::]) stands for the address, over TLS with the name that the
 * certificate has, since peers check that: tls+tcp://name@10.0.0.5:7400. False, and an empty text,
 * where nothing is sure: then the peers' own lists have to name it. Pure. */
bool advertise_choose(const char *const *listen, size_t count, const struct advertise_self *self,
                      char text[ADVERTISE_BYTES]);

/* Only this machine reaches it. */
bool advertise_is_local(const char *url);

/* The one address of this machine that is not its loopback; NULL where there is none, or several.
 * No name is looked up: that may take seconds. */
const char *advertise_address(char text[ADVERTISE_BYTES]);

/* What the setting says: "auto" (of the two above), "none" or the URL itself; empty for none. name:
 * of the certificate, or "". */
void advertise_configured(const struct conf *conf, const char *name, char text[ADVERTISE_BYTES]);

#endif
