/* Internal to expr: a program is an array of terms, children before their parents. */
#ifndef MARATHON_EXPR_TERM_H
#define MARATHON_EXPR_TERM_H

#include "expr/value.h"

enum term_kind {
    TERM_CONSTANT,
    TERM_ROOT,   /* ref */
    TERM_SELECT, /* child.name */
    TERM_HAS,    /* has(child.name) */
    TERM_INDEX,  /* child[child] */
    TERM_NOT,
    TERM_NEGATE,
    TERM_AND,
    TERM_OR,
    TERM_CHOICE, /* child ? child : child */
    TERM_LIST,
    TERM_MAP, /* key, value, key, value, ... */
    TERM_EQUAL,
    TERM_UNEQUAL,
    TERM_LESS,
    TERM_LESS_EQUAL,
    TERM_GREATER,
    TERM_GREATER_EQUAL,
    TERM_IN,
    TERM_ADD,
    TERM_SUBTRACT,
    TERM_MULTIPLY,
    TERM_DIVIDE,
    TERM_MODULO,
    TERM_SIZE,
    TERM_CONTAINS,
    TERM_STARTS_WITH,
    TERM_STRING,
    TERM_INT,
    TERM_DOUBLE,
};

#define TERM_NONE UINT16_MAX

struct expr_term {
    uint8_t kind;
    uint8_t height;        /* of its subtree; 1 for a leaf */
    uint16_t child;        /* the first child; TERM_NONE if it has none */
    uint16_t next;         /* next sibling */
    uint16_t ref;          /* ROOT: index into the expr's refs */
    uint32_t from, to;     /* range in the text */
    struct value constant; /* CONSTANT; SELECT and HAS: the member's name, as a string */
};

#endif
