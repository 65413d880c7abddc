/* Expressions over JSON: a subset of CEL (github.com/google/cel-spec) that always ends.
 *
 * - literals:  12  0x1f  1.5  "text"  'text'  r"raw"  """long"""  true  false  null
 * - lists and maps:  [a, b]  {"k": v}
 * - roots:  input  steps.<name>.result|status|error|attempts  item  index  task
 * - access:  a.b  a["b"]  list[0]; a name that is none of CEL's: steps["my-step"].result
 * - operators:  ?:  ||  &&  == != < <= > >= in  + - * / %  ! -
 * - functions:  has(a.b)  size(a)  a.size()  s.contains(t)  s.startsWith(t)
 * - conversions:  string(a)  int(a)  double(a)
 *
 * The semantics are CEL's: int (64 bits, overflow is an error) and double do not mix in arithmetic
 * but compare by value; && and || ignore an error of one side where the other side decides; values
 * of different kinds are unequal, not an error. A JSON number is an int where it is written without
 * fraction and exponent and fits, else a double. Keys of maps are texts.
 *
 * A program is immutable and lives in the arena it was parsed into. Pure; one thread. */
#ifndef MARATHON_EXPR_EXPR_H
#define MARATHON_EXPR_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define EXPR_TEXT_BYTES_MAX 4096u /* what is longer is a program, and belongs into a function */
#define EXPR_TERMS_MAX      512u  /* a program's memory: 32 KiB */
/* Parser and evaluator recurse over the tree of terms; CEL asks for 32 at least */
#define EXPR_DEPTH_MAX 64u
/* Of one scope, over all its evaluations: a term is 1, a member of a document that is looked at 1
 * and, where it is gone over, one more for each 64 of its bytes. At the very most some 64 MiB are
 * scanned: about 50 ms, for which the loop stands still. */
#define EXPR_WORK_MAX (1u << 20)
/* A text or list that an expression puts together: as large as a step's result may be */
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

/* Masks of the roots that may be used at a place. */
#define EXPR_ROOTS_ITEM (1u << EXPR_ITEM | 1u << EXPR_INDEX)
#define EXPR_ROOTS_ALL  ((1u << EXPR_ROOT_COUNT) - 1)
#define EXPR_ROOTS_STEP (EXPR_ROOTS_ALL & ~EXPR_ROOTS_ITEM)

/* A root that an expression reads. */
struct expr_ref {
    enum expr_root root;
    struct bytes step;   /* RESULT .. ATTEMPTS: the name */
    uint32_t step_index; /* for the owner of the program to set; the parser leaves 0 */
    uint32_t from, to;   /* where the name stands in the text: from, behind */
};

struct expr_fault {
    char detail[480]; /* what is wrong and what would be right; for a parse with the place under it
                         (two further lines: the text, and a caret) */
    uint32_t at;      /* byte of the text at which it is wrong; 0 also where that is the whole */
};

struct expr {
    struct bytes text;
    struct expr_ref *refs;
    uint32_t ref_count;
    struct expr_term *terms; /* inside */
    uint32_t term_count;
    uint32_t root_term;
};

/* ERR_INVALID, ERR_TOO_LARGE. The text is copied. roots: a mask. */
enum err MUST_CHECK expr_parse(struct arena *arena, struct bytes text, uint32_t roots,
                               struct expr **ret_expr, struct expr_fault *ret_fault);
/* The same for a text that goes on behind the expression with a closing brace; ret_end: where that
 * brace is. */
enum err MUST_CHECK expr_parse_braced(struct arena *arena, struct bytes text, uint32_t roots,
                                      struct expr **ret_expr, uint32_t *ret_end,
                                      struct expr_fault *ret_fault);
/* detail with the place under it: for faults that the owner of a program finds in it. */
void expr_fault_mark(struct expr_fault *fault, struct bytes text, uint32_t at);

/* Of lists and maps that were gone over, 20 bytes each; what is behind them is gone over each time
 */
#define EXPR_SEEN_MEMBERS_MAX (1u << 16)

/* What was gone over of lists and maps: each is once, however many expressions of a scope look into
 * it. Zero-initialise it; what it points to lies in the scope's arena. */
struct expr_seen {
    struct seen *newest; /* inside */
    uint32_t count;
    uint32_t members; /* that there is, or was, room for */
};

/* What expressions see, and what they may use. */
struct expr_scope {
    /* The JSON of a root; borrowed until the evaluation is over, or, where there is a `seen`, for
     * as long as that is used. An empty slice where there is no such thing (an error). */
    struct bytes (*read)(void *context, const struct expr_ref *ref);
    void *context;
    struct arena *arena;    /* results and what lies between: the caller's, to be reset */
    uint32_t work;          /* spent so far; begin with 0 */
    struct expr_seen *seen; /* of the same arena; NULL: nothing is kept for the next evaluation */
};

/* The value as JSON (a slice of a root or of the scope's arena). ERR_INVALID, ERR_TOO_LARGE. */
enum err MUST_CHECK expr_eval(const struct expr *e, struct expr_scope *scope,
                              struct bytes *ret_json, struct expr_fault *ret_fault);
/* The value of a condition: anything but true and false is an error. */
enum err MUST_CHECK expr_eval_bool(const struct expr *e, struct expr_scope *scope, bool *ret_value,
                                   struct expr_fault *ret_fault);

#endif
