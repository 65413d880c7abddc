/* A program's table for the tests of conf, and ways to give it arguments, variables and files. */
#ifndef MARATHON_TESTS_UNIT_CONF_PROGRAM_H
#define MARATHON_TESTS_UNIT_CONF_PROGRAM_H

#include "conf/conf.h"

extern const struct conf_program program;

#define WORDS_MAX 16

/* Arguments and variables as lists of words that end with NULL: {"--port", "80", NULL}. */
struct given {
    const char *args[WORDS_MAX];
    const char *env[WORDS_MAX];
};

/* conf_parse; fails the test unless it is ERR_OK. */
struct conf *load(const struct given *given);
/* conf_parse; fails the test unless it is ERR_INVALID; the message. */
const char *load_fault(const struct given *given);
/* A new file with this content; the path lives until files_remove. */
const char *file_create(const char *content);
void files_remove(void);

#endif
