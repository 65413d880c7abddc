#include "cli/args.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static const struct arg_option *find_long(const struct arg_tables *t, struct bytes name)
{
    for (size_t i = 0; i < t->own_count; i++) {
        if (bytes_is(name, t->own[i].name)) {
            return &t->own[i];
        }
    }
    for (size_t i = 0; i < t->shared_count; i++) {
        if (bytes_is(name, t->shared[i].name)) {
            return &t->shared[i];
        }
    }
    return NULL;
}

static const struct arg_option *find_letter(const struct arg_tables *t, char letter)
{
    for (size_t i = 0; i < t->own_count; i++) {
        if (t->own[i].letter == letter) {
            return &t->own[i];
        }
    }
    for (size_t i = 0; i < t->shared_count; i++) {
        if (t->shared[i].letter == letter) {
            return &t->shared[i];
        }
    }
    return NULL;
}

/* One word of the command line, split: `attached` is the value in the same word, NULL if there is
 * none. */
struct word {
    const struct arg_option *option;
    const char *attached;
};

static enum err word_split(const struct arg_tables *t, const char *text, struct word *ret,
                           struct buf *ret_message)
{
    if (text[1] == '-') {
        const char *equals = strchr(text, '=');
        size_t len = equals != NULL ? (size_t)(equals - text) - 2 : strlen(text) - 2;
        ret->option = find_long(t, bytes_of(text + 2, len));
        ret->attached = equals != NULL ? equals + 1 : NULL;
    } else {
        ret->option = find_letter(t, text[1]);
        ret->attached = text[2] != '\0' ? text + 2 : NULL;
    }
    if (ret->option == NULL) {
        buf_addf(ret_message, "there is no option %s", text);
        return ERR_INVALID;
    }
    return ERR_OK;
}

static enum err given_add(struct args *a, const struct word *word, const char *value,
                          struct buf *ret_message)
{
    if (a->given_count == ARGS_VALUES_MAX) {
        buf_addf(ret_message, "more than %d options", ARGS_VALUES_MAX);
        return ERR_INVALID;
    }
    a->given[a->given_count++] = (struct arg_given){.option = word->option, .value = value};
    return ERR_OK;
}

/* The current word; advanced if the next word is its value. */
struct words {
    char *const *argv;
    int argc;
    int at;
};

static enum err option_value(struct word *word, struct words *w, struct buf *ret_message)
{
    const char *text = w->argv[w->at];
    if (word->option->value == NULL) {
        if (word->attached != NULL) {
            buf_addf(ret_message, "--%s takes no value", word->option->name);
            return ERR_INVALID;
        }
        word->attached = "";
        return ERR_OK;
    }
    if (word->attached == NULL) {
        if (w->at + 1 >= w->argc) {
            buf_addf(ret_message, "%s needs a value: %s %s", text, text, word->option->value);
            return ERR_INVALID;
        }
        w->at++;
        word->attached = w->argv[w->at];
    }
    return ERR_OK;
}

static enum err option_parse(const struct arg_tables *t, struct words *w, struct args *a,
                             struct buf *ret_message)
{
    struct word word;
    enum err e = word_split(t, w->argv[w->at], &word, ret_message);
    if (e == ERR_OK) {
        e = option_value(&word, w, ret_message);
    }
    return e == ERR_OK ? given_add(a, &word, word.attached, ret_message) : e;
}

enum err args_parse(const struct arg_tables *tables, int argc, char *const *argv,
                    struct args *ret_args, struct buf *ret_message)
{
    struct args a = {.operand_count = 0};
    bool options_ended = false;
    for (struct words w = {argv, argc, 0}; w.at < argc; w.at++) {
        const char *text = argv[w.at];
        if (!options_ended && strcmp(text, "--") == 0) {
            options_ended = true;
        } else if (!options_ended && text[0] == '-' && text[1] != '\0') {
            enum err e = option_parse(tables, &w, &a, ret_message);
            if (e != ERR_OK) {
                return e;
            }
        } else if (a.operand_count == ARGS_OPERANDS_MAX) {
            buf_addf(ret_message, "more than %d arguments", ARGS_OPERANDS_MAX);
            return ERR_INVALID;
        } else {
            a.operands[a.operand_count++] = text;
        }
    }
    *ret_args = a;
    return ERR_OK;
}

bool args_has(const struct args *a, const char *name)
{
    return args_value(a, name) != NULL;
}

const char *args_value(const struct args *a, const char *name)
{
    for (size_t i = a->given_count; i > 0; i--) {
        if (strcmp(a->given[i - 1].option->name, name) == 0) {
            return a->given[i - 1].value;
        }
    }
    return NULL;
}

const char *args_value_at(const struct args *a, const char *name, size_t index)
{
    for (size_t i = 0; i < a->given_count; i++) {
        if (strcmp(a->given[i].option->name, name) == 0 && index-- == 0) {
            return a->given[i].value;
        }
    }
    return NULL;
}

enum err args_number(const struct args *a, const char *name, struct arg_range range, int64_t *ret,
                     struct buf *ret_message)
{
    const char *text = args_value(a, name);
    if (text == NULL) {
        return ERR_OK;
    }
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < range.min || number > range.max) {
        buf_addf(ret_message,
                 "--%s is \"%s\": it must be a whole number from %" PRId64 " to %" PRId64, name,
                 text, range.min, range.max);
        return ERR_INVALID;
    }
    *ret = number;
    return ERR_OK;
}
