/* Parsed JSON documents: definitions and settings. Strict (duplicate keys are refused), int64
 * exact. The only module that uses jansson. Pure. */
#ifndef MARATHON_JSON_DOC_H
#define MARATHON_JSON_DOC_H

#include "base/bytes.h"
#include "base/err.h"
#include "json/scan.h"

struct doc;       /* owns the tree */
struct doc_value; /* borrowed from the doc; NULL means "absent" and is accepted everywhere */

struct doc_fault {
    int line, column; /* from 1 */
    char reason[160];
};

/* Free with doc_free. */
enum err MUST_CHECK doc_parse(struct bytes text, struct doc **ret_doc, struct doc_fault *ret_fault);
void doc_free(struct doc *d);
const struct doc_value *doc_root(const struct doc *d);

enum json_kind doc_kind(const struct doc_value *v); /* JSON_NULL for absent */
const struct doc_value *doc_get(const struct doc_value *object, const char *key);
size_t doc_count(const struct doc_value *array_or_object);
const struct doc_value *doc_at(const struct doc_value *array, size_t index);
/* Member i of an object, in source order. */
const struct doc_value *doc_member(const struct doc_value *object, size_t index,
                                   const char **ret_key);

bool doc_is_int(const struct doc_value *v);
int64_t doc_int(const struct doc_value *v);   /* 0 if it is not an integer */
double doc_number(const struct doc_value *v); /* also for integers */
bool doc_bool(const struct doc_value *v);
/* followed by a NUL; empty if it is not a string */
struct bytes doc_string(const struct doc_value *v);

/* Appends the value as compact JSON, keys in source order. */
void doc_write(const struct doc_value *v, struct buf *out);

#endif
