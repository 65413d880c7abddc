#include "conf/log_settings.h"

#include "conf/conf_build.h"

#define PREFIX BYTES_LIT("MARATHON_")

struct log_options conf_log_options(const struct conf *c, const char *role)
{
    struct log_options o = {.role = role};
    if (log_level_parse(conf_text(c, "MARATHON_LOG_LEVEL"), &o.level) != ERR_OK) {
        die("the settings table lists a log level that there is not");
    }
    o.json = strcmp(conf_text(c, "MARATHON_LOG_FORMAT"), "json") == 0;
    return o;
}

void conf_log_slips(struct conf *c, char *const *envp)
{
    for (; envp != NULL && *envp != NULL; envp++) {
        struct bytes name = bytes_of(*envp, strcspn(*envp, "="));
        bool is_path;
        if (!bytes_eq(bytes_part(name, 0, PREFIX.len), PREFIX) ||
            conf_find(c->program, NAMED_BY_ENV, name, &is_path) != NULL) {
            continue;
        }
        const char *suggestion = conf_suggest(c, NAMED_BY_ENV, name);
        if (suggestion[0] != '\0') {
            const char *hint = arena_printf(&c->arena, "it is ignored%s", suggestion);
            log_line(LOG_WARN, "unknown_variable", "name=%.*s hint=%s", (int)name.len,
                     (const char *)name.ptr, LOG_Q(hint));
        }
    }
}
