#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "stage.h"

#define FOLDER_VARIABLE "MARATHON_TEST_CERTS"

static char made[] = "/tmp/marathon-certs-XXXXXX";

static void certs_remove(void)
{
    char command[200];
    snprintf(command, sizeof command, "rm -rf '%s'", made);
    if (system(command) != 0) {
        fprintf(stderr, "%s stays behind\n", made);
    }
}

const char *stage_certs(void)
{
    const char *folder = getenv(FOLDER_VARIABLE); /* of the process that started this one */
    char command[800];
    if (folder != NULL) {
        return folder;
    }
    assert_non_null(mkdtemp(made));
    atexit(certs_remove);
    snprintf(command, sizeof command,
             "'" CERTS_SCRIPT
             "' --days 40 --coordinator 127.0.0.1 --coordinator there.example '%s' "
             ">/dev/null",
             made);
    assert_int_equal(system(command), 0);
    setenv(FOLDER_VARIABLE, made, 1);
    return made;
}

struct tls_identity *stage_identity(const char *folder, const char *role)
{
    char ca[200], cert[200], key[200], message[TLS_MESSAGE_BYTES] = "";
    struct tls_identity *identity = NULL;
    snprintf(ca, sizeof ca, "%s/ca.pem", folder);
    snprintf(cert, sizeof cert, "%s/%s.pem", folder, role);
    snprintf(key, sizeof key, "%s/%s.key", folder, role);
    struct tls_files files = {.ca = ca, .cert = cert, .key = key, .password = ""};
    if (tls_identity_load(&files, &identity, message) != ERR_OK) {
        fail_msg("%s", message);
    }
    return identity;
}
