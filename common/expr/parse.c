/* Parses operators, from the weakest to the strongest; primary.c parses their operands. */
#include "expr/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint16_t parse_fault(struct parse *p, uint32_t at, const char *format, ...)
{
    if (p->err == ERR_OK) { /* the first error counts */
        va_list args;
        va_start(args, format);
        (void)vsnprintf(p->fault->detail, sizeof p->fault->detail, format, args);
        va_end(args);
        p->err = ERR_INVALID;
        expr_fault_mark(p->fault, p->text, at);
    }
    return TERM_NONE;
}

void parse_next(struct parse *p)
{
    p->token = lex(p->text, p->token.to, p->arena);
    if (p->token.kind == TOKEN_FAULT) {
        parse_fault(p, p->token.fault_at, "%s", p->token.fault);
    }
}

bool parse_take(struct parse *p, const char *sign)
{
    if (!token_is(&p->token, sign)) {
        return false;
    }
    parse_next(p);
    return p->err == ERR_OK;
}

bool parse_expect(struct parse *p, const char *sign, const char *what_for)
{
    if (!token_is(&p->token, sign)) {
        parse_fault(p, p->token.from, "expected '%s' %s", sign, what_for);
        return false;
    }
    parse_next(p);
    return p->err == ERR_OK;
}

static uint32_t last_end(const struct parse *p)
{
    /* the last token ends before the white space in front of the next one */
    uint32_t end = p->token.from;
    while (end > 0 && strchr(" \t\n\r\f", p->text.ptr[end - 1]) != NULL) {
        end--;
    }
    return end;
}

uint16_t parse_term(struct parse *p, enum term_kind kind, uint16_t child, uint32_t from)
{
    if (p->err != ERR_OK) {
        return TERM_NONE;
    }
    if (p->term_count == EXPR_TERMS_MAX) {
        return parse_fault(p, from, "the expression has more than %u terms", EXPR_TERMS_MAX);
    }
    uint8_t height = 0;
    for (uint16_t c = child; c != TERM_NONE; c = p->terms[c].next) {
        height = p->terms[c].height > height ? p->terms[c].height : height;
    }
    if (height >= EXPR_DEPTH_MAX) {
        return parse_fault(p, from, "the expression is nested more than %u deep", EXPR_DEPTH_MAX);
    }
    MEM_GROW(p->terms, p->term_count, p->term_cap);
    p->terms[p->term_count] = (struct expr_term){.kind = (uint8_t)kind,
                                                 .height = (uint8_t)(height + 1),
                                                 .child = child,
                                                 .next = TERM_NONE,
                                                 .from = from,
                                                 .to = last_end(p)};
    return (uint16_t)p->term_count++;
}

/* "!" {"!"} member, "-" {"-"} member, or a member: CEL does not allow a mix of the two. */
static uint16_t parse_unary(struct parse *p)
{
    const char *sign = token_is(&p->token, "!") ? "!" : "-";
    uint32_t signs[EXPR_DEPTH_MAX];
    uint32_t count = 0;
    while (token_is(&p->token, sign)) {
        if (count == EXPR_DEPTH_MAX) {
            return parse_fault(p, p->token.from, "more than %u signs in a row", EXPR_DEPTH_MAX);
        }
        signs[count++] = p->token.from;
        parse_next(p);
    }
    bool minus = sign[0] == '-';
    if (minus && count > 0 && p->token.kind == TOKEN_CONSTANT && p->token.value.kind == VALUE_INT) {
        p->negative = true; /* the sign belongs to the number */
        count--;
    }
    uint16_t term = parse_member(p);
    while (count > 0 && term != TERM_NONE) {
        count--;
        term = parse_term(p, minus ? TERM_NEGATE : TERM_NOT, term, signs[count]);
    }
    return term;
}

struct infix {
    const char *sign;
    uint8_t level; /* how strongly it binds */
    uint8_t kind;
};

static const struct infix infixes[] = {
    {"||", 0, TERM_OR},      {"&&", 1, TERM_AND},           {"==", 2, TERM_EQUAL},
    {"!=", 2, TERM_UNEQUAL}, {"<", 2, TERM_LESS},           {"<=", 2, TERM_LESS_EQUAL},
    {">", 2, TERM_GREATER},  {">=", 2, TERM_GREATER_EQUAL}, {"in", 2, TERM_IN},
    {"+", 3, TERM_ADD},      {"-", 3, TERM_SUBTRACT},       {"*", 4, TERM_MULTIPLY},
    {"/", 4, TERM_DIVIDE},   {"%", 4, TERM_MODULO},
};
#define LEVELS 5

static const struct infix *infix_at(const struct parse *p, uint8_t level)
{
    for (size_t i = 0; i < sizeof infixes / sizeof *infixes; i++) {
        if (infixes[i].level == level && token_is(&p->token, infixes[i].sign)) {
            return &infixes[i];
        }
    }
    return NULL;
}

static uint16_t parse_level(struct parse *p, uint8_t level)
{
    if (level == LEVELS) {
        return parse_unary(p);
    }
    uint16_t left = parse_level(p, (uint8_t)(level + 1));
    const struct infix *o;
    while (left != TERM_NONE && (o = infix_at(p, level)) != NULL) {
        parse_next(p);
        uint16_t right = parse_level(p, (uint8_t)(level + 1));
        if (right == TERM_NONE) {
            return TERM_NONE;
        }
        p->terms[left].next = right;
        left = parse_term(p, (enum term_kind)o->kind, left, p->terms[left].from);
    }
    return left;
}

static uint16_t parse_choice(struct parse *p)
{
    uint16_t condition = parse_level(p, 0);
    if (condition == TERM_NONE || !parse_take(p, "?")) {
        return p->err == ERR_OK ? condition : TERM_NONE;
    }
    uint16_t yes = parse_level(p, 0);
    if (yes == TERM_NONE || !parse_expect(p, ":", "and the value if the condition is false")) {
        return TERM_NONE;
    }
    uint16_t no = parse_expression(p);
    if (no == TERM_NONE) {
        return TERM_NONE;
    }
    p->terms[condition].next = yes;
    p->terms[yes].next = no;
    return parse_term(p, TERM_CHOICE, condition, p->terms[condition].from);
}

uint16_t parse_expression(struct parse *p)
{
    if (p->depth == EXPR_DEPTH_MAX) {
        return parse_fault(p, p->token.from, "the expression is nested more than %u deep",
                           EXPR_DEPTH_MAX);
    }
    p->depth++;
    uint16_t term = parse_choice(p);
    p->depth--;
    return p->err == ERR_OK ? term : TERM_NONE;
}

/* Copies the result into the arena, at its exact size. */
static struct expr *keep(struct parse *p, uint16_t root)
{
    struct expr *e = arena_alloc(p->arena, sizeof *e);
    e->text = arena_bytes(p->arena, p->text);
    e->root_term = root;
    e->term_count = p->term_count;
    e->terms = arena_alloc(p->arena, p->term_count * sizeof *e->terms);
    memcpy(e->terms, p->terms, p->term_count * sizeof *e->terms);
    e->ref_count = p->ref_count;
    e->refs = arena_alloc(p->arena, p->ref_count * sizeof *e->refs);
    for (uint32_t i = 0; i < p->ref_count; i++) {
        e->refs[i] = p->refs[i];
        e->refs[i].step = arena_bytes(p->arena, p->refs[i].step);
    }
    return e;
}

/* stop: the sign that must follow; NULL: the end of the text. */
static enum err parse_text(struct parse *p, const char *stop, struct expr **ret_expr,
                           uint32_t *ret_end)
{
    parse_next(p);
    uint16_t root = p->err == ERR_OK ? parse_expression(p) : TERM_NONE;
    bool over = stop == NULL ? p->token.kind == TOKEN_END : token_is(&p->token, stop);
    if (p->err == ERR_OK && !over) {
        if (p->token.kind == TOKEN_END) {
            parse_fault(p, p->token.from, "the expression does not end: expected '%s'", stop);
        } else {
            parse_fault(p, p->token.from, "expected an operator or the end of the expression");
        }
    }
    if (p->err == ERR_OK) {
        *ret_end = p->token.from;
        if (stop != NULL) {
            p->text = bytes_part(p->text, 0, p->token.from);
        }
        if (p->text.len > EXPR_TEXT_BYTES_MAX) {
            parse_fault(p, 0, "the expression is longer than %u bytes", EXPR_TEXT_BYTES_MAX);
            p->err = ERR_TOO_LARGE;
        } else {
            *ret_expr = keep(p, root);
        }
    }
    free(p->terms);
    free(p->refs);
    return p->err;
}

enum err expr_parse(struct arena *arena, struct bytes text, uint32_t roots, struct expr **ret_expr,
                    struct expr_fault *ret_fault)
{
    struct parse p = {.text = text, .roots = roots, .arena = arena, .fault = ret_fault};
    uint32_t end;
    if (text.len > EXPR_TEXT_BYTES_MAX) {
        parse_fault(&p, 0, "the expression is longer than %u bytes", EXPR_TEXT_BYTES_MAX);
        return ERR_TOO_LARGE;
    }
    return parse_text(&p, NULL, ret_expr, &end);
}

enum err expr_parse_braced(struct arena *arena, struct bytes text, uint32_t roots,
                           struct expr **ret_expr, uint32_t *ret_end, struct expr_fault *ret_fault)
{
    struct parse p = {.text = text, .roots = roots, .arena = arena, .fault = ret_fault};
    return parse_text(&p, "}", ret_expr, ret_end);
}
