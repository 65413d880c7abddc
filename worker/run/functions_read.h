/* Reads one entry of a functions file: the fields of each kind, with a JSON pointer to what is
 * wrong. Used by functions.c only. */
#ifndef MARATHON_RUN_FUNCTIONS_READ_H
#define MARATHON_RUN_FUNCTIONS_READ_H

#include "json/doc.h"
#include "run/functions.h"

struct function_reader {
    struct arena *arena;
    const char *folder;
    char pointer[160]; /* of the value being read */
    struct functions_fault *fault;
};

void reader_enter(struct function_reader *r, const char *step); /* appends "/x" or "/3" as it is */
void reader_enter_key(struct function_reader *r, const char *key); /* escaped as in RFC 6901 */
void reader_fault(struct function_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* value must be an object whose fields are all in known (ends with NULL). */
enum err MUST_CHECK reader_fields(struct function_reader *r, const struct doc_value *value,
                                  const char *const *known);
enum err MUST_CHECK function_read(struct function_reader *r, const struct doc_value *entry,
                                  struct function *out);

#endif
