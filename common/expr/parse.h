/* Internal to expr: shared by the files of the parser. Recursive descent with one token of
 * lookahead. */
#ifndef MARATHON_EXPR_PARSE_H
#define MARATHON_EXPR_PARSE_H

#include "expr/lex.h"
#include "expr/term.h"

struct parse {
    struct bytes text;
    uint32_t roots; /* those allowed here */
    struct arena *arena;
    struct token token; /* the lookahead */
    struct expr_term *terms;
    struct expr_ref *refs;
    uint32_t term_count, term_cap, ref_count, ref_cap;
    uint32_t depth; /* of the recursion */
    bool negative;  /* the number that follows has a minus sign */
    enum err err;
    struct expr_fault *fault;
};

/* All return the index of a term, or TERM_NONE after setting the fault. */
uint16_t parse_expression(struct parse *p);
uint16_t parse_member(struct parse *p); /* a primary expression and its selectors */

void parse_next(struct parse *p);
/* Consumes the next token if it is this sign. */
bool parse_take(struct parse *p, const char *sign);
bool parse_expect(struct parse *p, const char *sign, const char *what_for);
uint16_t parse_fault(struct parse *p, uint32_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Makes a term with the given children (linked by `next`); it spans from `from` to the last token
 * consumed. */
uint16_t parse_term(struct parse *p, enum term_kind kind, uint16_t child, uint32_t from);

#endif
