/* TCP ports for tests. */
#ifndef MARATHON_TESTS_FREE_PORT_H
#define MARATHON_TESTS_FREE_PORT_H

/* A port of 127.0.0.1 that is reserved for this process until it ends: no other test gets it (nor
 * through cluster.py's free_port), and no outgoing connection does, however long a program takes to
 * bind it, or to come back to it. Ends the process if there is none. */
int free_port(void);

#endif
