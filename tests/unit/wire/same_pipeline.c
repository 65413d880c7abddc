/* Stored pipelines and what is asked of them, held against each other. */
#include "same_member.h"

void same_get_pipelines(const struct message *a, const struct message *b)
{
    SAME_BYTES(get_pipelines.name);
    SAME(get_pipelines.version);
    SAME(get_pipelines.brief);
}

static void same_pipeline_view(const struct pipeline_view *a, const struct pipeline_view *b)
{
    SAME_BYTES(name);
    SAME_BYTES(description);
    SAME(version);
    SAME(step_count);
    SAME_BYTES(source);
    SAME_BYTES(hash);
}

void same_pipelines(const struct message *a, const struct message *b)
{
    SAME(pipelines.count);
    for (uint32_t i = 0; i < a->pipelines.count; i++) {
        same_pipeline_view(&a->pipelines.items[i], &b->pipelines.items[i]);
    }
}

void same_put_pipeline(const struct message *a, const struct message *b)
{
    SAME_BYTES(put_pipeline.name);
    SAME_BYTES(put_pipeline.source);
    SAME_BYTES(put_pipeline.by);
    SAME(put_pipeline.check_only);
}

void same_pipeline_stored(const struct message *a, const struct message *b)
{
    SAME_BYTES(stored.name);
    SAME(stored.version);
    SAME(stored.step_count);
    SAME_BYTES(stored.hash);
    SAME(stored.created);
}

void same_get_versions(const struct message *a, const struct message *b)
{
    SAME_BYTES(get_versions.name);
    SAME(get_versions.before);
    SAME(get_versions.limit);
}

void same_versions(const struct message *a, const struct message *b)
{
    SAME(versions.count);
    for (uint32_t i = 0; i < a->versions.count; i++) {
        SAME(versions.items[i].version);
        SAME_BYTES(versions.items[i].hash);
        SAME(versions.items[i].at);
        SAME_BYTES(versions.items[i].by);
    }
    SAME(versions.next);
}
