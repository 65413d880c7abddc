/* Internal to expr: the tokens of CEL's grammar. */
#ifndef MARATHON_EXPR_LEX_H
#define MARATHON_EXPR_LEX_H

#include "expr/value.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,     /* text: an identifier, or true, false, null, in */
    TOKEN_CONSTANT, /* value: a number or a string */
    TOKEN_SIGN,     /* text: an operator or a bracket, one or two characters */
    TOKEN_FAULT,    /* fault: a static text */
};

struct token {
    enum token_kind kind;
    struct bytes text; /* as it stands in the source */
    uint32_t from, to;
    struct value value;
    const char *fault;
    uint32_t fault_at;
};

/* The token at or after offset `at`; white space and comments before it are skipped. Decoded
 * strings are in the arena. */
struct token lex(struct bytes text, uint32_t at, struct arena *arena);
bool token_is(const struct token *t, const char *sign_or_name);

#endif
