/* Parses operands: literals, roots, calls, and their selectors. */
#include "expr/parse.h"

#include "json/scan.h"

#define TEXT(b) (int)((b).len < 60 ? (b).len : 60), (const char *)(b).ptr

/* Words that CEL reserves: not allowed as names. */
static bool is_reserved(struct bytes name)
{
    static const char *const words[] = {
        "as",  "break", "const",   "continue",  "else",   "for", "function", "if",    "import",
        "let", "loop",  "package", "namespace", "return", "var", "void",     "while",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (bytes_is(name, words[i])) {
            return true;
        }
    }
    return false;
}

/* true, false, null, in: not even allowed as names of members. */
static bool is_keyword(struct bytes name)
{
    return bytes_is(name, "true") || bytes_is(name, "false") || bytes_is(name, "null") ||
           bytes_is(name, "in");
}

static uint16_t parse_constant(struct parse *p, struct value v, uint32_t from)
{
    parse_next(p);
    uint16_t term = parse_term(p, TERM_CONSTANT, TERM_NONE, from);
    if (term != TERM_NONE) {
        p->terms[term].constant = v;
    }
    return term;
}

static uint16_t parse_literal(struct parse *p)
{
    struct value v = p->token.value;
    bool negative = p->negative;
    p->negative = false;
    if (v.kind == VALUE_INT && !negative && __builtin_sub_overflow(0, v.integer, &v.integer)) {
        return parse_fault(p, p->token.from, "this number does not fit in 64 bits");
    }
    return parse_constant(p, v, p->token.from);
}

/* Expressions separated by commas, up to the closing sign; in maps key, colon, value. */
static uint16_t parse_many(struct parse *p, enum term_kind kind, const char *close, uint32_t from)
{
    uint16_t first = TERM_NONE, last = TERM_NONE;
    bool pairs = kind == TERM_MAP;
    for (uint32_t count = 0; !token_is(&p->token, close); count++) {
        uint16_t term = parse_expression(p);
        if (term == TERM_NONE) {
            return TERM_NONE;
        }
        if (first == TERM_NONE) {
            first = term;
        } else {
            p->terms[last].next = term;
        }
        last = term;
        if (pairs && count % 2 == 0) {
            if (!parse_expect(p, ":", "between a key and its value")) {
                return TERM_NONE;
            }
            if (token_is(&p->token, close)) {
                return parse_fault(p, p->token.from, "a key without a value");
            }
        } else if (!parse_take(p, ",")) {
            break;
        }
    }
    if (!parse_expect(p, close,
                      pairs ? "or ',' after a value of the map"
                            : "or ',' after a value of the list")) {
        return TERM_NONE;
    }
    return parse_term(p, kind, first, from);
}

static uint16_t add_ref(struct parse *p, struct expr_ref ref, uint32_t from)
{
    if ((p->roots & 1u << ref.root) == 0) {
        return parse_fault(p, from, "%s", "item and index exist only in a step with for_each");
    }
    uint16_t term = parse_term(p, TERM_ROOT, TERM_NONE, from);
    if (term == TERM_NONE) {
        return TERM_NONE;
    }
    MEM_GROW(p->refs, p->ref_count, p->ref_cap);
    p->terms[term].ref = (uint16_t)p->ref_count;
    p->refs[p->ref_count++] = ref;
    return term;
}

/* After "steps": .name or ["name"], then .result, .status, .error or .attempts. */
static uint16_t parse_steps(struct parse *p, uint32_t from)
{
    static const char *const fields[] = {"result", "status", "error", "attempts"};
    struct expr_ref ref = {.root = EXPR_RESULT};
    bool bracket = token_is(&p->token, "[");
    bool dot = token_is(&p->token, ".");
    if (bracket || dot) {
        parse_next(p);
    }
    bool fits = bracket ? p->token.kind == TOKEN_CONSTANT && p->token.value.kind == VALUE_STRING
                        : dot && p->token.kind == TOKEN_NAME;
    if (!fits) {
        return parse_fault(p, p->token.from, "%s",
                           bracket
                               ? "expected the name of a step, as a string"
                               : "expected the name of a step: steps.<name> or steps[\"<name>\"]");
    }
    ref.step = bracket ? p->token.value.text : p->token.text;
    ref.from = p->token.from;
    ref.to = p->token.to;
    parse_next(p);
    if (bracket && !parse_expect(p, "]", "after the name of a step")) {
        return TERM_NONE;
    }
    bool more = parse_take(p, ".");
    for (uint32_t i = 0; more && i < 4; i++) {
        if (token_is(&p->token, fields[i])) {
            ref.root = (enum expr_root)(EXPR_RESULT + i);
            parse_next(p);
            return add_ref(p, ref, from);
        }
    }
    return parse_fault(p, p->token.from, "a step has .result, .status, .error and .attempts%s",
                       bytes_is(ref.step, "result") ? "; the step's name comes before them" : "");
}

static uint16_t parse_root(struct parse *p, struct token name)
{
    static const struct {
        const char *name;
        enum expr_root root;
    } roots[] = {
        {"input", EXPR_INPUT}, {"item", EXPR_ITEM}, {"index", EXPR_INDEX}, {"task", EXPR_TASK}};
    if (bytes_is(name.text, "steps")) {
        return parse_steps(p, name.from);
    }
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        if (bytes_is(name.text, roots[i].name)) {
            return add_ref(p, (struct expr_ref){.root = roots[i].root}, name.from);
        }
    }
    return parse_fault(p, name.from,
                       "there is no \"%.*s\"; an expression begins with input, steps.<name>, item, "
                       "index or task",
                       TEXT(name.text));
}

struct function_name {
    const char *name;
    uint8_t kind;
    bool plain;        /* f(a) */
    bool method;       /* a.f() or a.f(b) */
    uint8_t arguments; /* of the method */
};

static const struct function_name functions[] = {
    {"size", TERM_SIZE, true, true, 0},
    {"contains", TERM_CONTAINS, false, true, 1},
    {"startsWith", TERM_STARTS_WITH, false, true, 1},
    {"string", TERM_STRING, true, false, 0},
    {"int", TERM_INT, true, false, 0},
    {"double", TERM_DOUBLE, true, false, 0},
    {"has", TERM_HAS, true, false, 0},
};

static const struct function_name *find_function(struct bytes name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (bytes_is(name, functions[i].name)) {
            return &functions[i];
        }
    }
    return NULL;
}

static uint16_t fault_function(struct parse *p, struct token name, const struct function_name *f)
{
    if (f != NULL) {
        return parse_fault(p, name.from, "%s is called as %s%s%s", f->name,
                           f->plain ? f->name : "text.", f->plain ? "" : f->name,
                           f->plain ? "(value)" : "(part)");
    }
    return parse_fault(p, name.from,
                       "there is no function \"%.*s\"; the functions are has, size, string, int "
                       "and double, and on strings .contains and .startsWith",
                       TEXT(name.text));
}

/* The argument must be a member of a map, or a root with a field (steps.x.result). */
static uint16_t parse_has(struct parse *p, uint16_t argument, uint32_t from)
{
    struct expr_term *a = &p->terms[argument];
    bool select = a->kind == TERM_SELECT;
    bool step = a->kind == TERM_ROOT && p->refs[a->ref].root >= EXPR_RESULT &&
                p->refs[a->ref].root <= EXPR_ATTEMPTS;
    if (!select && !step) {
        return parse_fault(p, from, "has() needs a member of a map, as in has(input.name)");
    }
    if (select) { /* the term itself becomes the has() */
        a->kind = TERM_HAS;
        a->from = from;
        return argument;
    }
    return parse_term(p, TERM_HAS, argument, from);
}

static uint16_t parse_call(struct parse *p, struct token name)
{
    const struct function_name *f = find_function(name.text);
    if (f == NULL || !f->plain) {
        return fault_function(p, name, f);
    }
    parse_next(p); /* the bracket */
    uint16_t argument = parse_expression(p);
    if (argument == TERM_NONE || !parse_expect(p, ")", "after the function's one argument")) {
        return TERM_NONE;
    }
    if (f->kind == TERM_HAS) {
        return parse_has(p, argument, name.from);
    }
    return parse_term(p, (enum term_kind)f->kind, argument, name.from);
}

static uint16_t parse_name(struct parse *p)
{
    struct token name = p->token;
    if (bytes_is(name.text, "true") || bytes_is(name.text, "false")) {
        return parse_constant(p, value_bool(bytes_is(name.text, "true")), name.from);
    }
    if (bytes_is(name.text, "null")) {
        return parse_constant(p, (struct value){.kind = VALUE_NULL}, name.from);
    }
    if (is_keyword(name.text) || is_reserved(name.text)) {
        return parse_fault(p, name.from, "\"%.*s\" is a reserved word", TEXT(name.text));
    }
    parse_next(p);
    return token_is(&p->token, "(") ? parse_call(p, name) : parse_root(p, name);
}

static uint16_t parse_primary(struct parse *p)
{
    uint32_t from = p->token.from;
    if (p->token.kind == TOKEN_CONSTANT) {
        return parse_literal(p);
    }
    if (p->token.kind == TOKEN_NAME) {
        return parse_name(p);
    }
    if (parse_take(p, "(")) {
        uint16_t inner = parse_expression(p);
        return inner != TERM_NONE && parse_expect(p, ")", "to close the '(' before it") ? inner
                                                                                        : TERM_NONE;
    }
    if (parse_take(p, "[")) {
        return parse_many(p, TERM_LIST, "]", from);
    }
    if (parse_take(p, "{")) {
        return parse_many(p, TERM_MAP, "}", from);
    }
    return parse_fault(
        p, from, "%s",
        p->token.kind == TOKEN_END
            ? "the expression ends, but a value is expected"
            : "expected a value: a literal, input, steps.<name>, item, index or task");
}

static uint16_t parse_method(struct parse *p, uint16_t target, struct token name)
{
    const struct function_name *f = find_function(name.text);
    if (f == NULL || !f->method) {
        return fault_function(p, name, f);
    }
    parse_next(p); /* the bracket */
    if (f->arguments == 1) {
        uint16_t argument = parse_expression(p);
        if (argument == TERM_NONE) {
            return TERM_NONE;
        }
        p->terms[target].next = argument;
    }
    if (!parse_expect(p, ")",
                      f->arguments == 1 ? "after the function's one argument"
                                        : "right here: the function has no argument")) {
        return TERM_NONE;
    }
    return parse_term(p, (enum term_kind)f->kind, target, p->terms[target].from);
}

/* After a dot. */
static uint16_t parse_select(struct parse *p, uint16_t target)
{
    struct token name = p->token;
    if (name.kind != TOKEN_NAME || is_keyword(name.text)) {
        return parse_fault(p, name.from,
                           "expected the name of a member; write other names as [\"...\"]");
    }
    parse_next(p);
    if (token_is(&p->token, "(")) {
        return parse_method(p, target, name);
    }
    uint16_t term = parse_term(p, TERM_SELECT, target, p->terms[target].from);
    if (term != TERM_NONE) {
        p->terms[term].constant = value_string(arena_bytes(p->arena, name.text));
    }
    return term;
}

uint16_t parse_member(struct parse *p)
{
    uint16_t term = parse_primary(p);
    while (term != TERM_NONE && p->err == ERR_OK) {
        if (parse_take(p, ".")) {
            term = parse_select(p, term);
        } else if (parse_take(p, "[")) {
            uint16_t index = parse_expression(p);
            if (index == TERM_NONE || !parse_expect(p, "]", "after the index")) {
                return TERM_NONE;
            }
            p->terms[term].next = index;
            term = parse_term(p, TERM_INDEX, term, p->terms[term].from);
        } else {
            break;
        }
    }
    return p->err == ERR_OK ? term : TERM_NONE;
}
