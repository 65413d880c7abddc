/* The description that is served, for a group of tests: its set-up and its end. */
#ifndef MARATHON_TESTS_API_SERVED_H
#define MARATHON_TESTS_API_SERVED_H

#include "json/doc.h"

extern struct doc *openapi;

int served_open(void **state);
int served_close(void **state);

#endif
