/* The API description that /openapi.json serves, written by hand. */
#ifndef MARATHON_API_OPENAPI_H
#define MARATHON_API_OPENAPI_H

extern const char openapi_text[];

#endif
