/* Inside of expr: what the files of the parser share. Recursive descent, one token ahead. */
#ifndef MARATHON_EXPR_PARSE_H
#define MARATHON_EXPR_PARSE_H

#include "expr/lex.h"
#include "expr/term.h"

struct parse {
    struct bytes text;
    uint32_t roots; /* that may be used here */
    struct arena *arena;
    struct token token; /* the next one */
    struct expr_term *terms;
    struct expr_ref *refs;
    uint32_t term_count, term_cap, ref_count, ref_cap;
    uint32_t depth; /* of the recursion */
    bool negative;  /* the number that comes next has a minus before it */
    enum err err;
    struct expr_fault *fault;
};

/* All return the index of a term, or TERM_NONE with the fault told. */
uint16_t parse_expression(struct parse *p);
uint16_t parse_member(struct parse *p); /* a primary and what is selected of it */

void parse_next(struct parse *p);
/* The next token, where it is this sign; else nothing happens. */
bool parse_take(struct parse *p, const char *sign);
bool parse_expect(struct parse *p, const char *sign, const char *what_for);
uint16_t parse_fault(struct parse *p, uint32_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A new term over children that hang together by `next`; it stands from `from` to what was read
 * last. */
uint16_t parse_term(struct parse *p, enum term_kind kind, uint16_t child, uint32_t from);

#endif
