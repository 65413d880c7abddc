/* Stored pipelines: requests of gateways and their answers. */
#include "wire/messages.h"

#include "model/limits.h"

static const struct field get_pipelines[] = {
    FIELD(struct message, get_pipelines.name),
    FIELD(struct message, get_pipelines.version),
    FIELD(struct message, get_pipelines.brief),
};
const struct body body_get_pipelines = BODY(get_pipelines);

static const struct field pipeline_view[] = {
    FIELD(struct pipeline_view, name),    FIELD(struct pipeline_view, description),
    FIELD(struct pipeline_view, version), FIELD(struct pipeline_view, step_count),
    FIELD(struct pipeline_view, source),  FIELD(struct pipeline_view, hash),
};
static const struct layout pipeline_view_layout = LAYOUT(struct pipeline_view, pipeline_view);

static const struct field pipelines[] = {
    FIELD_OF_LIST(struct message, pipelines.items, pipelines.count, pipeline_view_layout,
                  LIST_ANY_MAX),
};
const struct body body_pipelines = BODY(pipelines);

static const struct field put_pipeline[] = {
    FIELD(struct pipeline_put, name),
    FIELD(struct pipeline_put, source),
    FIELD(struct pipeline_put, by),
    FIELD(struct pipeline_put, check_only),
};
const struct body body_put_pipeline = BODY_AT(struct pipeline_put, put_pipeline, put_pipeline);

static const struct field stored[] = {
    FIELD(struct message, stored.name),       FIELD(struct message, stored.version),
    FIELD(struct message, stored.step_count), FIELD(struct message, stored.hash),
    FIELD(struct message, stored.created),
};
const struct body body_pipeline_stored = BODY(stored);

static const struct field get_versions[] = {
    FIELD(struct versions_request, name),
    FIELD(struct versions_request, before),
    FIELD(struct versions_request, limit),
};
const struct body body_get_versions = BODY_AT(struct versions_request, get_versions, get_versions);

static const struct field version_view[] = {
    FIELD(struct version_view, version),
    FIELD(struct version_view, hash),
    FIELD(struct version_view, at),
    FIELD(struct version_view, by),
};
static const struct layout version_view_layout = LAYOUT(struct version_view, version_view);

static const struct field versions[] = {
    FIELD_OF_LIST(struct message, versions.items, versions.count, version_view_layout,
                  VERSIONS_PAGE_MAX),
    FIELD(struct message, versions.next),
};
const struct body body_versions = BODY(versions);
