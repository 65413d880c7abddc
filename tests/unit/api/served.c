#include "served.h"

#include "api/openapi.h"

struct doc *openapi;

int served_open(void **state)
{
    struct doc_fault fault;
    (void)state;
    return doc_parse(bytes_str(openapi_text), &openapi, &fault) == ERR_OK ? 0 : -1;
}

int served_close(void **state)
{
    (void)state;
    doc_free(openapi);
    return 0;
}
