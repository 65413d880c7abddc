/* Calls one function of a plugin by hand: plugin_call PLUGIN.so FUNCTION < envelope.json. The
 * result goes to stdout, an error's message to stderr, news as JSON lines to fd 3 where it is open,
 * and the exit status is the function's: as an exec function behaves. */
#include <marathon_plugin.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEWS_FD            3
#define ENVELOPE_BYTES_MAX (4u << 20)
#define EXIT_USAGE         2

struct host {
    struct marathon_call call; /* first: the host is found from the call */
    char *result;
    char *message;
    int completions;
};

static char *copy(const char *text, size_t len)
{
    char *made = malloc(len + 1);
    if (made == NULL) {
        abort();
    }
    memcpy(made, text, len);
    made[len] = '\0';
    return made;
}

static int complete(struct marathon_call *call, const char *json, size_t len)
{
    struct host *host = call->host;
    free(host->result);
    host->result = copy(json, len);
    host->completions++;
    return MARATHON_DONE;
}

static int fail(struct marathon_call *call, const char *message, int permanent)
{
    struct host *host = call->host;
    free(host->message);
    host->message = copy(message, strlen(message));
    return permanent != 0 ? MARATHON_PERMANENT : MARATHON_TRY_AGAIN;
}

/* With write, not dprintf: that one leaks in glibc 2.36 where the descriptor is closed. */
static void news_part(const char *text, size_t len)
{
    if (write(NEWS_FD, text, len) < 0) {
        errno = 0; /* nobody listening is no error */
    }
}

static void news(const char *key, const char *json, size_t len)
{
    char head[32];
    int head_len = snprintf(head, sizeof head, "{\"%s\":", key);
    news_part(head, (size_t)head_len);
    news_part(json, len);
    news_part("}\n", 2);
}

static void progress(struct marathon_call *call, double fraction, const char *message)
{
    (void)call;
    (void)message;
    char text[32];
    int len = snprintf(text, sizeof text, "%.4f", fraction);
    news("progress", text, (size_t)len);
}

static void checkpoint(struct marathon_call *call, const char *json, size_t len)
{
    (void)call;
    news("checkpoint", json, len);
}

static void usage(struct marathon_call *call, const char *model, int64_t input_tokens,
                  int64_t output_tokens, double cost_usd)
{
    (void)call;
    fprintf(stderr, "usage: %s %lld %lld %f\n", model != NULL ? model : "-",
            (long long)input_tokens, (long long)output_tokens, cost_usd);
}

static int (*find(const struct marathon_plugin *plugin, const char *name))(struct marathon_call *)
{
    for (const struct marathon_function *f = plugin->functions; f->name != NULL; f++) {
        if (strcmp(f->name, name) == 0) {
            return f->run;
        }
    }
    return NULL;
}

static int call_function(int (*run)(struct marathon_call *), char *envelope, size_t len)
{
    struct host host = {.call = {.abi = MARATHON_PLUGIN_ABI,
                                 .envelope = envelope,
                                 .envelope_len = len,
                                 .complete = complete,
                                 .fail = fail,
                                 .progress = progress,
                                 .checkpoint = checkpoint,
                                 .usage = usage}};
    host.call.host = &host;
    int status = run(&host.call);
    if (status == MARATHON_DONE && host.completions == 1) {
        puts(host.result);
    } else {
        fprintf(stderr, "%s\n", host.message != NULL ? host.message : "no result and no message");
        status = status == MARATHON_DONE ? EXIT_USAGE : status;
    }
    free(host.result);
    free(host.message);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: plugin_call PLUGIN.so FUNCTION < envelope.json\n");
        return EXIT_USAGE;
    }
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    const struct marathon_plugin *plugin =
        library != NULL ? dlsym(library, "marathon_plugin") : NULL;
    if (plugin == NULL || plugin->abi > MARATHON_PLUGIN_ABI) {
        fprintf(stderr, "plugin_call: %s\n",
                library == NULL ? dlerror() : "not a plugin of this ABI");
        return EXIT_USAGE;
    }
    int (*run)(struct marathon_call *) = find(plugin, argv[2]);
    char *envelope = malloc(ENVELOPE_BYTES_MAX + 1);
    int status = EXIT_USAGE;
    if (run != NULL && envelope != NULL) {
        size_t len = fread(envelope, 1, ENVELOPE_BYTES_MAX, stdin);
        envelope[len] = '\0';
        status = call_function(run, envelope, len);
    } else {
        fprintf(stderr, "plugin_call: no function \"%s\" in %s\n", argv[2], argv[1]);
    }
    free(envelope);
    (void)dlclose(library);
    return status;
}
