/* A shared library that is loaded when a process first needs it: what most processes never use
 * costs them nothing then. */
#ifndef MARATHON_BASE_LIBRARY_H
#define MARATHON_BASE_LIBRARY_H

#include <stddef.h>

/* A function of it, and where in the caller's table the pointer to it lies. */
struct library_symbol {
    const char *name;
    size_t at;
};

struct library {
    const char *soname;
    const char *user; /* for people: what cannot be without it */
    const struct library_symbol *symbols;
    size_t symbol_count;
};

/* Fills the table; the library stays. Where it is not installed, or has not all symbols, the
 * process says so and ends with 78: restarting will not help. */
void library_load(const struct library *l, void *ret_table);

#endif
