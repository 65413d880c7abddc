#include "conf/log_settings.h"

struct log_options conf_log_options(const struct conf *c, const char *role)
{
    struct log_options o = {.role = role};
    if (log_level_parse(conf_text(c, "MARATHON_LOG_LEVEL"), &o.level) != ERR_OK) {
        die("the settings table lists a log level that there is not");
    }
    o.json = strcmp(conf_text(c, "MARATHON_LOG_FORMAT"), "json") == 0;
    return o;
}
