/* TCP ports for tests. */
#ifndef MARATHON_TESTS_FREE_PORT_H
#define MARATHON_TESTS_FREE_PORT_H

/* A port of 127.0.0.1 that is ours until this process ends: no other test gets the same one (of
 * cluster.py's free_port neither), and no outgoing connection does, however long a program takes to
 * bind it, or to come back to it. Ends the process where there is none. */
int free_port(void);

#endif
