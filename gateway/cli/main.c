/* marathon: the command line. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)printf("marathon %s (%s)\n", MARATHON_VERSION, MARATHON_GIT);
        return CLI_COMPLETED;
    }
    return (int)command_main(argc, argv);
}
