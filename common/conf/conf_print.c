#include "conf/conf_build.h"

static const char *metavariable(const struct conf_entry *entry)
{
    switch (entry->kind) {
    case CONF_INT:
        return " N";
    case CONF_BOOL:
        return "[=true|false]";
    case CONF_CHOICE:
        return " ";
    case CONF_LIST:
        return " A,B,...";
    case CONF_TEXT:
        break;
    }
    return " TEXT";
}

static void print_entry(struct arena *arena, const struct conf_entry *entry, FILE *out)
{
    char flag[CONF_NAME_BYTES_MAX];
    if (entry->env == NULL) {
        (void)fprintf(out, "\n%s\n", entry->help);
        return;
    }
    (void)fprintf(out, "  --%s%s%s\n", conf_flag(entry, flag), metavariable(entry),
                  entry->kind == CONF_CHOICE ? entry->choices : "");
    (void)fprintf(out, "      %s", entry->help);
    if (entry->kind == CONF_INT) {
        (void)fprintf(out, "; %s", conf_wanted(arena, entry));
    }
    bool has_default = entry->fallback != NULL && entry->fallback[0] != '\0';
    (void)fprintf(out, " (%s%s; %s)\n", has_default ? "default " : "no default",
                  has_default ? entry->fallback : "", entry->env);
}

void conf_print_help(const struct conf_program *program, FILE *out)
{
    struct arena arena = {0};
    (void)fprintf(
        out,
        "%s: %s\n"
        "\n"
        "Usage: %s [flags]\n"
        "\n"
        "Each setting is a flag, an environment variable (in brackets), or a key of the ini file\n"
        "(the variable's name in lower case, without MARATHON_); the flag wins over the variable,\n"
        "the variable over the file. With _FILE after a variable's name its value is the path of\n"
        "a file that contains the setting.\n",
        program->name, program->summary, program->name);
    if (program->entry_count > 0 && program->entries[0].env != NULL) {
        (void)fputs("\nSettings\n", out);
    }
    for (size_t i = 0; i < program->entry_count; i++) {
        print_entry(&arena, &program->entries[i], out);
    }
    (void)fputs("\nGeneral\n"
                "  --config FILE\n      the ini file to read (no default; MARATHON_CONFIG)\n"
                "  --print-config\n      print every setting and where it came from, and exit\n"
                "  --version\n      print the version and exit\n"
                "  --help\n      print this and exit\n",
                out);
    if (program->usage_tail != NULL) {
        (void)fprintf(out, "\n%s\n", program->usage_tail);
    }
    arena_free(&arena);
}

/* True for text that would not read back as it is: it begins with a quote, or has white space at an
 * end. */
static bool needs_quotes(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && (text[0] == ' ' || text[0] == '\t' || text[0] == '"' ||
                       text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\r');
}

/* Locates the password in "scheme://user:password@host", which --print-config must not show. NULL
 * if there is none. */
static const char *url_password(const char *text, size_t *ret_len)
{
    const char *authority = strstr(text, "://");
    if (authority == NULL) {
        return NULL;
    }
    authority += 3;
    size_t len = strcspn(authority, "/");
    const char *at = memrchr(authority, '@', len);
    const char *colon = at != NULL ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    if (colon == NULL || at == colon + 1) {
        return NULL;
    }
    *ret_len = (size_t)(at - colon - 1);
    return colon + 1;
}

static void print_text(const char *key, const char *text, FILE *out)
{
    const char *quote = needs_quotes(text) ? "\"" : "";
    size_t len = 0;
    const char *password = url_password(text, &len);
    if (password != NULL) {
        (void)fprintf(out, "%s = %s%.*s***%s%s\n", key, quote, (int)(password - text), text,
                      password + len, quote);
    } else {
        (void)fprintf(out, "%s = %s%s%s\n", key, quote, text, quote);
    }
}

static void print_value(const struct conf_entry *entry, const struct conf_value *v, FILE *out)
{
    char name[CONF_NAME_BYTES_MAX];
    const char *key = conf_key(entry, name);
    bool unset = v->text[0] == '\0';
    (void)fprintf(out, "# %s\n", v->where);
    if (entry->kind == CONF_LIST) {
        (void)fprintf(out, "%s =", key);
        for (size_t i = 0; i < v->item_count; i++) {
            (void)fprintf(out, "%s%s", i > 0 ? "," : " ", v->items[i]);
        }
        (void)fputc('\n', out);
    } else if (unset) { /* only a text may be empty: a line without a value could not be read back
                           for any other kind */
        (void)fprintf(out, "%s%s =\n", entry->kind == CONF_TEXT ? "" : "# ", key);
    } else if (entry->secret) {
        (void)fprintf(out, "%s = ***\n", key);
    } else if (strchr(v->text, '\n') != NULL) {
        (void)fprintf(out, "# %s has several lines, %zu bytes\n", key, strlen(v->text));
    } else {
        print_text(key, v->text, out);
    }
}

/* Printed as an ini file that can be read back, except for secrets. */
void conf_print_values(const struct conf *c, FILE *out)
{
    (void)fprintf(out, "# settings of %s, each under where it came from\n[%s]\n", c->program->name,
                  c->program->name);
    for (size_t i = 0; i < c->program->entry_count; i++) {
        if (c->program->entries[i].env != NULL) {
            print_value(&c->program->entries[i], &c->values[i], out);
        }
    }
}
