/* Messages that maintain a connection: greeting, beats, ownership, credit. */
#include "wire/messages.h"

#include "model/limits.h"

static const struct field hello[] = {
    FIELD_OF_ENUM(struct message, hello.role, ROLE_GATEWAY + 1),
    FIELD(struct message, hello.version_min),
    FIELD(struct message, hello.version_max),
    FIELD(struct message, hello.id),
    FIELD(struct message, hello.host),
    FIELD(struct message, hello.pid),
    FIELD(struct message, hello.software),
    FIELD(struct message, hello.slots),
    FIELD_OF_TEXTS(struct message, hello.functions, hello.function_count, FUNCTIONS_MAX),
    FIELD_OF_TEXTS(struct message, hello.labels, hello.label_count, LABELS_MAX),
};
const struct body body_hello = BODY(hello);

static const struct field welcome[] = {
    FIELD(struct message, welcome.version),
    FIELD(struct message, welcome.id),
    FIELD(struct message, welcome.reason),
};
const struct body body_welcome = BODY(welcome);

static const struct field beat[] = {FIELD(struct message, beat.loop_age_ms)};
const struct body body_beat = BODY(beat);

static const struct field owned_epoch[] = {FIELD(struct owned_epoch, epoch)};
static const struct layout owned_epoch_layout = LAYOUT(struct owned_epoch, owned_epoch);

static const struct field owned[] = {
    FIELD(struct message, owned.partitions),
    FIELD(struct message, owned.number),
    FIELD_OF_LIST(struct message, owned.epochs, owned.epoch_count, owned_epoch_layout,
                  PARTITION_COUNT),
};
const struct body body_owned = BODY(owned);

static const struct field members[] = {
    FIELD_OF_TEXTS(struct message, members.urls, members.count, PARTITION_COUNT),
};
const struct body body_members = BODY(members);

static const struct field credit[] = {FIELD(struct message, credit.count)};
const struct body body_credit = BODY(credit);
