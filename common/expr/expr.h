/* Expressions over JSON: a subset of CEL (github.com/google/cel-spec) that always terminates.
 *
 * - literals:  12  0x1f  1.5  "text"  'text'  r"raw"  """long"""  true  false  null
 * - lists and maps:  [a, b]  {"k": v}
 * - roots:  input  steps.<name>.result|status|error|attempts  item  index  task
 * - access:  a.b  a["b"]  list[0]; names that are not CEL identifiers: steps["my-step"].result
 * - operators:  ?:  ||  &&  == != < <= > >= in  + - * / %  ! -
 * - functions:  has(a.b)  size(a)  a.size()  s.contains(t)  s.startsWith(t)
 * - conversions:  string(a)  int(a)  double(a)
 *
 * The semantics are CEL's: int (64 bits, overflow is an error) and double do not mix in arithmetic
 * but compare by value; && and || ignore an error on one side if the other side decides; values of
 * different kinds are unequal, not an error. A JSON number is an int if it is written without
 * fraction and exponent and fits, else a double. Keys of maps are strings.
 *
 * A program is immutable and lives in the arena it was parsed into. Pure; one thread. */
#ifndef MARATHON_EXPR_EXPR_H
#define MARATHON_EXPR_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define EXPR_TEXT_BYTES_MAX 4096u /* anything longer is a program and belongs in a function */
#define EXPR_TERMS_MAX      512u  /* bounds a program's memory to 32 KiB */
/* Parser and evaluator recurse over the tree of terms; CEL requires at least 32 */
#define EXPR_DEPTH_MAX 64u
/* Work of one scope, over all its evaluations: 1 per term, 1 per member of a document that is
 * visited and, if it has to be scanned, 1 more for each 64 of its bytes. In the worst case 64 MiB
 * are scanned: about 50 ms, during which the loop is blocked. */
#define EXPR_WORK_MAX (1u << 20)
/* A string or list that an expression builds: as large as a step's result may be */
#define EXPR_VALUE_BYTES_MAX (1u << 20)

enum expr_root {
    EXPR_INPUT,
    EXPR_RESULT, /* steps.<name>.result, and so on */
    EXPR_STATUS,
    EXPR_ERROR,
    EXPR_ATTEMPTS,
    EXPR_ITEM,
    EXPR_INDEX,
    EXPR_TASK,
    EXPR_ROOT_COUNT
};

/* Bit masks of the roots that may be used in a place. */
#define EXPR_ROOTS_ITEM (1u << EXPR_ITEM | 1u << EXPR_INDEX)
#define EXPR_ROOTS_ALL  ((1u << EXPR_ROOT_COUNT) - 1)
#define EXPR_ROOTS_STEP (EXPR_ROOTS_ALL & ~EXPR_ROOTS_ITEM)

/* A root that an expression reads. */
struct expr_ref {
    enum expr_root root;
    struct bytes step;   /* RESULT .. ATTEMPTS: name of the step */
    uint32_t step_index; /* set by the program's owner; the parser leaves 0 */
    uint32_t from, to;   /* range of the name in the text */
};

struct expr_fault {
    char detail[480]; /* what is wrong and what would be right; after a parse followed by two lines
                         that show the place: the text, and a caret */
    uint32_t at;      /* offset of the error in the text; 0 also if the whole text is meant */
};

struct expr {
    struct bytes text;
    struct expr_ref *refs;
    uint32_t ref_count;
    struct expr_term *terms; /* internal */
    uint32_t term_count;
    uint32_t root_term;
};

/* ERR_INVALID, ERR_TOO_LARGE. The text is copied. roots: bit mask of those allowed. */
enum err MUST_CHECK expr_parse(struct arena *arena, struct bytes text, uint32_t roots,
                               struct expr **ret_expr, struct expr_fault *ret_fault);
/* The same for a text in which a closing brace follows the expression; ret_end: offset of that
 * brace. */
enum err MUST_CHECK expr_parse_braced(struct arena *arena, struct bytes text, uint32_t roots,
                                      struct expr **ret_expr, uint32_t *ret_end,
                                      struct expr_fault *ret_fault);
/* Appends to detail the lines that show the place: for errors that the program's owner finds. */
void expr_fault_mark(struct expr_fault *fault, struct bytes text, uint32_t at);

/* Members kept of scanned lists and maps, 20 bytes each; members beyond that are scanned each
 * time */
#define EXPR_SEEN_MEMBERS_MAX (1u << 16)

/* A cache of scanned lists and maps: each is scanned once, however many expressions of a scope look
 * into it. Zero-initialise it; it points into the scope's arena. */
struct expr_seen {
    struct seen *newest; /* internal */
    uint32_t count;
    uint32_t members; /* for which memory was allocated */
};

/* What expressions can read, and the resources they may use. */
struct expr_scope {
    /* The JSON of a root. Must stay valid until the evaluation is over or, if `seen` is set, for as
     * long as that is used. Empty if the root does not exist (an error). */
    struct bytes (*read)(void *context, const struct expr_ref *ref);
    void *context;
    struct arena *arena;    /* for results and intermediate values; the caller resets it */
    uint32_t work;          /* spent so far (EXPR_WORK_MAX); begin with 0 */
    struct expr_seen *seen; /* in the same arena; NULL: nothing is cached between evaluations */
};

/* The value as JSON: a slice of a root or of the scope's arena. ERR_INVALID, ERR_TOO_LARGE. */
enum err MUST_CHECK expr_eval(const struct expr *e, struct expr_scope *scope,
                              struct bytes *ret_json, struct expr_fault *ret_fault);
/* The value of a condition; anything but true and false is an error. */
enum err MUST_CHECK expr_eval_bool(const struct expr *e, struct expr_scope *scope, bool *ret_value,
                                   struct expr_fault *ret_fault);

#endif
