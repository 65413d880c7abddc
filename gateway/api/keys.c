#include "api/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define HASH_PREFIX "sha256:"
#define SCHEME      "Bearer "
#define PROTOCOL    "bearer."

/* For calls that are open to all. */
static const struct api_key nobody;

void api_keys_free(struct api_keys *k)
{
    free(k->items);
    *k = (struct api_keys){0};
}

/* Takes the next word of *line, skipping blanks; empty at the end. */
static struct bytes take_word(struct bytes *line)
{
    size_t from = 0;
    while (from < line->len && (line->ptr[from] == ' ' || line->ptr[from] == '\t')) {
        from++;
    }
    size_t to = from;
    while (to < line->len && line->ptr[to] != ' ' && line->ptr[to] != '\t') {
        to++;
    }
    struct bytes word = bytes_part(*line, from, to - from);
    *line = bytes_part(*line, to, line->len - to);
    return word;
}

/* NULL if the line is a valid key, which is then in *ret_key; else what is wrong. */
static const char *parse_line(struct bytes line, struct api_key *ret_key)
{
    struct bytes id = take_word(&line);
    struct bytes hash = take_word(&line);
    struct bytes right = take_word(&line);
    size_t prefix = strlen(HASH_PREFIX);
    if (!id_valid(id)) {
        return "the id must be 1 to 128 of A-Z a-z 0-9 _ . : -";
    }
    if (hash.len != prefix + 64 || memcmp(hash.ptr, HASH_PREFIX, prefix) != 0 ||
        hex_decode(bytes_part(hash, prefix, 64), ret_key->digest, SHA256_BYTES) != ERR_OK) {
        return "after the id must come sha256: and 64 hexadecimal digits (marathon keys new makes "
               "such a line)";
    }
    ret_key->reads_only = bytes_is(right, "read");
    if (right.len > 0 && !ret_key->reads_only && !bytes_is(right, "all")) {
        return "after the hash may come only the right: all or read";
    }
    if (take_word(&line).len > 0) {
        return "there is extra text after the id, the hash and the right";
    }
    memcpy(ret_key->id, id.ptr, id.len);
    ret_key->id[id.len] = '\0';
    return NULL;
}

static struct bytes take_line(struct bytes *text)
{
    const uint8_t *end = memchr(text->ptr, '\n', text->len);
    size_t len = end != NULL ? (size_t)(end - text->ptr) : text->len;
    struct bytes line = bytes_part(*text, 0, len);
    *text = bytes_part(*text, len + 1 < text->len ? len + 1 : text->len, text->len);
    const uint8_t *comment = line.len > 0 ? memchr(line.ptr, '#', line.len) : NULL;
    if (comment != NULL) {
        line.len = (size_t)(comment - line.ptr);
    }
    while (line.len > 0 && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' ' ||
                            line.ptr[line.len - 1] == '\t')) {
        line.len--;
    }
    return line;
}

enum err api_keys_parse(struct bytes text, struct api_keys *ret_keys, char *message,
                        size_t message_size)
{
    struct api_keys keys = {0};
    for (unsigned number = 1; text.len > 0; number++) {
        struct bytes line = take_line(&text);
        struct api_key key = {0};
        if (line.len == 0) {
            continue;
        }
        const char *fault =
            keys.count == API_KEYS_MAX ? "there are more than 4096 keys" : parse_line(line, &key);
        if (fault != NULL) {
            (void)snprintf(message, message_size, "line %u: %s", number, fault);
            api_keys_free(&keys);
            return ERR_INVALID;
        }
        MEM_GROW(keys.items, keys.count, keys.cap);
        keys.items[keys.count++] = key;
    }
    if (keys.count == 0) {
        (void)snprintf(message, message_size,
                       "the file contains no key: marathon keys new makes one");
        return ERR_INVALID;
    }
    *ret_keys = keys;
    return ERR_OK;
}

static bool open_to_all(enum call c)
{
    return c == CALL_LIVE || c == CALL_READY || c == CALL_OPENAPI;
}

static bool starts_with(struct bytes text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && strncasecmp((const char *)text.ptr, prefix, len) == 0;
}

static struct bytes token_of(const struct api_shown *shown)
{
    struct bytes header = shown->authorization;
    if (starts_with(header, SCHEME)) {
        header = bytes_part(header, strlen(SCHEME), header.len - strlen(SCHEME));
        return take_word(&header);
    }
    for (struct bytes rest = shown->protocols; rest.len > 0;) {
        const uint8_t *comma = memchr(rest.ptr, ',', rest.len);
        size_t len = comma != NULL ? (size_t)(comma - rest.ptr) : rest.len;
        struct bytes part = bytes_part(rest, 0, len);
        struct bytes word = take_word(&part);
        if (starts_with(word, PROTOCOL)) {
            return bytes_part(word, strlen(PROTOCOL), word.len - strlen(PROTOCOL));
        }
        rest = bytes_part(rest, len < rest.len ? len + 1 : len, rest.len);
    }
    return BYTES_NONE;
}

/* Constant time: always goes over all keys, and compares each completely. */
static const struct api_key *find(const struct api_keys *k, struct bytes token)
{
    struct sha256 hash = sha256_of(token);
    const struct api_key *found = NULL;
    for (size_t i = 0; i < k->count; i++) {
        found = secret_eq(hash.digest, k->items[i].digest, SHA256_BYTES) ? &k->items[i] : found;
    }
    return found;
}

const struct api_key *api_keys_admit(const struct api_keys *k, const struct api_shown *shown,
                                     enum call call, struct problem *ret_problem)
{
    if (k->count == 0) {
        return &nobody;
    }
    struct bytes token = token_of(shown);
    bool open = open_to_all(call);
    const struct api_key *key = open && token.len == 0 ? NULL : find(k, token);
    if (open) {
        return key != NULL ? key : &nobody;
    }
    if (token.len == 0) {
        problem_set(ret_problem, CODE_UNAUTHORIZED,
                    "this call needs an API key: Authorization: Bearer <key>");
        return NULL;
    }
    if (key == NULL) {
        problem_set(ret_problem, CODE_UNAUTHORIZED, "this API key is unknown or no longer valid");
        return NULL;
    }
    if (key->reads_only && !bytes_is(shown->method, "GET") && !bytes_is(shown->method, "HEAD")) {
        problem_set(ret_problem, CODE_FORBIDDEN, "the API key \"%s\" may only read", key->id);
        return NULL;
    }
    return key;
}
