#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

#include "base/err.h"

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
        die("%s cannot be without %s: %s", l->user, l->soname, dlerror());
    }
}
