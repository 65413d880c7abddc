/* Files that inputs name: relative to the data directory, and never outside of it. The only place
 * of the plugin that does I/O.
 *
 * The data directory is MARATHON_DATA_DIR, else the folder samples two levels above the plugin's
 * own file, as for the functions in other languages. */
#ifndef MARATHON_BCG_DATA_FILE_H
#define MARATHON_BCG_DATA_FILE_H

#include "base/bytes.h"
#include "base/err.h"

/* Far over any sane sales file, far under a worker's memory */
#define DATA_FILE_BYTES_MAX (64u << 20)

struct data_fault {
    char text[512]; /* for people */
};

/* Reads the whole file into ret_content (appended; the caller frees it). ERR_INVALID (leads out,
 * too large, unreadable), ERR_NOT_FOUND, or ERR_UNAVAILABLE where the machine is at fault and
 * another attempt may help. */
enum err MUST_CHECK data_file_read(const char *name, struct buf *ret_content,
                                   struct data_fault *ret_fault);

/* Appends the line "task_id step_id attempt idempotency_key" to the file that MARATHON_EFFECTS_LOG
 * names, durably; nothing where it is not set. For tests that prove that no completed step ran
 * twice. ERR_UNAVAILABLE. */
enum err MUST_CHECK effects_log_add(struct bytes line);

#endif
