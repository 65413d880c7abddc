/* `marathon keys`: makes API keys. Talks to no server: the gateway reads the file by itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "cli/commands.h"
#include "crypto/hash.h"
#include "crypto/random.h"

#define KEY_PREFIX "mk_" /* so that scanners for leaked secrets recognise it */
#define KEY_BYTES  32

struct new_key {
    char text[sizeof KEY_PREFIX + 2 * KEY_BYTES];
    char hash[2 * SHA256_BYTES + 1];
};

static void make(struct new_key *k)
{
    uint8_t random[KEY_BYTES];
    char hex[2 * KEY_BYTES + 1];
    random_bytes(random, sizeof random);
    (void)snprintf(k->text, sizeof k->text, "%s%s", KEY_PREFIX,
                   hex_encode(random, sizeof random, hex));
    struct sha256 hash = sha256_of(bytes_str(k->text));
    (void)hex_encode(hash.digest, sizeof hash.digest, k->hash);
}

/* Appends in one write; a new file is readable by its owner and group only. */
static enum err append(const char *path, const char *line)
{
    struct stat st;
    char last = '\n';
    struct buf text = {0};
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        return ERR_IO;
    }
    bool read_well =
        fstat(fd, &st) == 0 && (st.st_size == 0 || pread(fd, &last, 1, st.st_size - 1) == 1);
    buf_addf(&text, "%s%s", last != '\n' ? "\n" : "", line);
    bool written =
        read_well && write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    buf_free(&text);
    return close(fd) == 0 && written ? ERR_OK : ERR_IO;
}

static enum cli_exit run_keys(struct cli *cli)
{
    const char *id = cli->args.operands[1];
    const char *path = args_value(&cli->args, "file");
    if (strcmp(cli->args.operands[0], "new") != 0) {
        return cli_usage(cli, "\"%s\" is not understood: use `marathon keys new ID`",
                         cli->args.operands[0]);
    }
    if (!id_valid(bytes_str(id))) {
        return cli_usage(
            cli, "\"%s\" is not an id: it must be 1 to %d of the characters A-Z a-z 0-9 _ . : -",
            id, ID_BYTES_MAX);
    }
    struct new_key key;
    make(&key);
    const char *right = args_has(&cli->args, "read") ? "read" : "all";
    struct buf line = {0};
    buf_addf(&line, "%s sha256:%s %s\n", id, key.hash, right);
    if (path != NULL && append(path, buf_cstr(&line)) != ERR_OK) {
        cli_say("cannot write %s: %s", path, strerror(errno));
        buf_free(&line);
        return CLI_FAILED;
    }
    struct buf out = {0};
    if (cli->json) {
        buf_addf(&out, "{\"id\":\"%s\",\"key\":\"%s\",\"sha256\":\"%s\",\"may\":\"%s\"}\n", id,
                 key.text, key.hash, right);
    } else {
        buf_addf(&out, "%s\n", key.text);
    }
    cli_out(&out);
    if (path != NULL) {
        cli_note(cli, "its hash is in %s; SIGHUP tells the gateways to read it again", path);
    } else {
        cli_note(cli, "put this line into the gateways' MARATHON_API_KEYS_FILE:\n%.*s",
                 (int)(line.len - 1), (const char *)line.ptr);
    }
    cli_note(cli, "the key itself is kept nowhere: clients get it in MARATHON_API_KEY");
    buf_free(&out);
    buf_free(&line);
    return CLI_COMPLETED;
}

static const struct arg_option keys_options[] = {
    {"file", 'f', "FILE", "add its line to this file of keys"},
    {"read", 0, NULL, "it may read only: GET, streams and WebSockets"},
};

const struct command command_keys = {
    .name = "keys",
    .operands = "new ID",
    .summary = "make an API key",
    .text = "Prints a new random key. The gateway keeps its SHA-256 only, in the file that\n"
            "MARATHON_API_KEYS_FILE names; without the line there, the key opens nothing.\n"
            "An id may have two keys at once, so that clients can change over.\n",
    .examples = "  marathon keys new ci --file /etc/marathon/api_keys\n"
                "  marathon keys new dashboard --read -o json\n",
    .options = keys_options,
    .option_count = 2,
    .operands_min = 2,
    .operands_max = 2,
    .local = true,
    .run = run_keys,
};
