/* The child process that runs plugins: marathon-worker --plugin-host PATH. Reads calls from stdin,
 * answers on fd 3, and ends at end of file. What a plugin prints to stdout goes to its log,
 * stderr. */
#ifndef MARATHON_RUN_PLUGIN_HOST_H
#define MARATHON_RUN_PLUGIN_HOST_H

#define PLUGIN_HOST_FLAG "--plugin-host"

/* Returns the exit status of the process. */
int plugin_host_main(const char *path);

#endif
