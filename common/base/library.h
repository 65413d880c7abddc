/* Shared libraries that are loaded on first use, so that processes that never need them do not pay
 * for them. */
#ifndef MARATHON_BASE_LIBRARY_H
#define MARATHON_BASE_LIBRARY_H

#include <stddef.h>

/* A function of the library, and the offset of its pointer in the caller's table. */
struct library_symbol {
    const char *name;
    size_t at;
};

struct library {
    const char *soname;
    const char *user; /* for the error message: what needs the library */
    const struct library_symbol *symbols;
    size_t symbol_count;
};

/* Loads the library, for the life of the process, and fills in the table. If it is not installed or
 * lacks a symbol, the process reports that and exits with 78, since a restart will not help. */
void library_load(const struct library *l, void *ret_table);

#endif
