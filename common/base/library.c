#include "base/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits: restarting will not help */

void library_load(const struct library *l, void *ret_table)
{
    void *object = dlopen(l->soname, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; object != NULL && i < l->symbol_count; i++) {
        void *symbol = dlsym(object, l->symbols[i].name);
        if (symbol == NULL) {
            object = NULL;
            break;
        }
        memcpy((char *)ret_table + l->symbols[i].at, &symbol, sizeof symbol);
    }
    if (object == NULL) {
        (void)fprintf(stderr,
                      "fatal: %s cannot be without %s: %s; it comes with Marathon's package or one "
                      "that it depends on\n",
                      l->user, l->soname, dlerror());
        (void)fflush(stderr);
        _exit(EXIT_CONFIG);
    }
}
