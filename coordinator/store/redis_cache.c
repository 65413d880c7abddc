#include "store/redis_cache.h"

#include <stdlib.h>

#include "store/redis_lending.h"

#define DOC_OWN_BYTES 300 /* overhead per document in the tables, about */
/* overhead per text: its header, the allocator's, its entry in the list */
#define TEXT_OWN_BYTES 72

/* The part of a document that one row wrote. */
struct cached_part {
    size_t offset; /* in the document */
    struct shared *text;
};

struct cached_doc {
    struct cached_doc *newer, *older;
    struct bytes id; /* owned */
    partition_id partition;
    struct shared *input;
    struct cached_part *parts; /* consecutive parts of the document, up to its tail */
    size_t part_count, part_cap;
    size_t len;       /* sum over all parts */
    size_t durable;   /* how much of it is confirmed */
    unsigned pending; /* rows in flight that refer to it */
    bool gone;        /* removed from the tables; freed with the last such row */
};

/* A row in flight. */
struct cached_row {
    uint64_t write_id;
    struct cached_doc *doc; /* NULL: its task is not cached */
    size_t end;             /* how much of the document is confirmed with this row */
    bool admits;
    bool answered; /* answered before an earlier row */
};

static size_t size_of(const struct cached_doc *d)
{
    return DOC_OWN_BYTES + d->id.len + shared_bytes(d->input).len + d->len +
           d->part_count * TEXT_OWN_BYTES;
}

static void doc_free(struct cached_doc *d)
{
    bytes_free(d->id);
    shared_drop(d->input);
    for (size_t i = 0; i < d->part_count; i++) {
        shared_drop(d->parts[i].text);
    }
    free(d->parts);
    free(d);
}

static void unlink_doc(struct redis_cache *c, struct cached_doc *d)
{
    *(d->newer != NULL ? &d->newer->older : &c->newest) = d->older;
    *(d->older != NULL ? &d->older->newer : &c->oldest) = d->newer;
}

static void link_newest(struct redis_cache *c, struct cached_doc *d)
{
    d->newer = NULL;
    d->older = c->newest;
    *(c->newest != NULL ? &c->newest->newer : &c->oldest) = d;
    c->newest = d;
}

static void drop(struct redis_cache *c, struct cached_doc *d)
{
    if (d->gone) {
        return;
    }
    unlink_doc(c, d);
    map_remove(&c->docs, d->id);
    c->bytes -= size_of(d);
    d->gone = true;
    if (d->pending == 0) {
        doc_free(d);
    }
}

static struct cached_doc *add_doc(struct redis_cache *c, const struct store_row *row,
                                  struct shared *input)
{
    struct cached_doc *d = mem_zalloc(sizeof *d);
    d->id = bytes_own(row->task_id);
    d->input = input != NULL ? shared_hold(input) : NULL;
    d->partition = row->partition;
    map_put(&c->docs, d->id, d);
    link_newest(c, d);
    c->bytes += size_of(d);
    return d;
}

static void make_room(struct redis_cache *c)
{
    while (c->bytes > CACHE_BYTES_MAX) {
        drop(c, c->oldest);
    }
}

void cache_forget_partition(struct redis_cache *c, partition_id partition)
{
    struct cached_doc *older;
    for (struct cached_doc *d = c->newest; d != NULL; d = older) {
        older = d->older;
        if (d->partition == partition) {
            drop(c, d);
        }
    }
}

static struct cached_row *push_row(struct redis_cache *c)
{
    if (c->row_count == c->row_cap) {
        size_t cap = c->row_cap < 64 ? 64 : c->row_cap * 2;
        struct cached_row *rows = mem_alloc(cap * sizeof *rows);
        for (size_t i = 0; i < c->row_count; i++) {
            rows[i] = c->rows[(c->row_first + i) % c->row_cap];
        }
        free(c->rows);
        c->rows = rows;
        c->row_cap = cap;
        c->row_first = 0;
    }
    return &c->rows[(c->row_first + c->row_count++) % c->row_cap];
}

static void add_part(struct redis_cache *c, struct cached_doc *d, struct shared *text)
{
    if (text == NULL) {
        return;
    }
    c->bytes -= size_of(d);
    MEM_GROW(d->parts, d->part_count, d->part_cap);
    d->parts[d->part_count++] = (struct cached_part){.offset = d->len, .text = shared_hold(text)};
    d->len += text->bytes.len;
    c->bytes += size_of(d);
}

static struct cached_doc *changed_doc(struct redis_cache *c, const struct store_row *row,
                                      const struct row_texts *texts)
{
    struct cached_doc *d = map_get(&c->docs, row->task_id);
    bool admits = row->kind == ROW_ADMIT;
    if (d != NULL && (admits || row->life != LIFE_KEEP)) {
        drop(c, d);
        d = NULL;
    }
    if (admits) {
        d = add_doc(c, row, texts->input);
    }
    size_t offset = row->doc_whole || admits ? 0 : (size_t)row->doc_offset;
    size_t len = shared_bytes(texts->doc).len;
    bool written = len + row->doc[2].len > 0;
    if (d == NULL || !written) {
        return d;
    }
    /* Only appended parts that we have ourselves are cached, since what is confirmed must not
     * change: any other write drops the document. */
    if (row->doc_items != 0 || offset != d->len || offset + len > CACHE_DOC_BYTES_MAX) {
        drop(c, d);
        return NULL;
    }
    add_part(c, d, texts->doc);
    return d;
}

void cache_wrote(struct redis_cache *c, const struct store_row *row, const struct row_texts *texts)
{
    struct cached_row entry = {.write_id = row->write_id, .admits = row->kind == ROW_ADMIT};
    if (row->kind == ROW_CLAIM || row->kind == ROW_RELEASE) {
        cache_forget_partition(c, row->partition);
    } else if (row->kind == ROW_ADMIT || row->kind == ROW_UPDATE) {
        entry.doc = changed_doc(c, row, texts);
    }
    if (entry.doc != NULL) {
        entry.doc->pending++;
        entry.end = entry.doc->len;
    }
    *push_row(c) = entry;
    make_room(c);
}

static struct cached_row *row_at(const struct redis_cache *c, size_t i)
{
    return &c->rows[(c->row_first + i) % c->row_cap];
}

/* Ids of rows ascend. */
static struct cached_row *find_row(const struct redis_cache *c, uint64_t write_id)
{
    size_t first = 0;
    size_t end = c->row_count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (row_at(c, middle)->write_id < write_id) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    bool found = first < c->row_count && row_at(c, first)->write_id == write_id;
    return found ? row_at(c, first) : NULL;
}

/* Removes the row; rows at the front that are answered leave the ring. */
static struct cached_row take_row(struct redis_cache *c, struct cached_row *at)
{
    struct cached_row row = *at;
    at->doc = NULL;
    at->answered = true;
    while (c->row_count > 0 && row_at(c, 0)->answered) {
        c->row_first = (c->row_first + 1) % c->row_cap;
        c->row_count--;
    }
    return row;
}

void cache_answered(struct redis_cache *c, uint64_t write_id, enum store_verdict verdict)
{
    struct cached_row *at = find_row(c, write_id);
    if (at == NULL || at->answered) {
        return; /* it was given before cache_forget */
    }
    struct cached_row row = take_row(c, at);
    struct cached_doc *d = row.doc;
    if (d != NULL) {
        d->pending--;
        if (verdict == STORE_OK && !d->gone && row.end > d->durable) {
            d->durable = row.end;
        }
        if (d->gone && d->pending == 0) {
            doc_free(d);
        } else if (verdict != STORE_OK) {
            drop(c, d);
        }
    }
    if (verdict != STORE_OK && !row.admits) {
        cache_forget(c); /* Redis has another state than we assumed */
    }
}

/* The part that contains the range: reads ask for a result, or a part of one. NULL: not in one
 * part. */
static const struct cached_part *find_part(const struct cached_doc *d, struct byte_range range)
{
    if (range.offset + range.len > d->durable) {
        return NULL;
    }
    size_t first = 0;
    size_t end = d->part_count;
    while (end - first > 1) {
        size_t middle = first + (end - first) / 2;
        if (d->parts[middle].offset <= range.offset) {
            first = middle;
        } else {
            end = middle;
        }
    }
    const struct cached_part *p = &d->parts[first];
    return range.offset - p->offset + range.len <= p->text->bytes.len ? p : NULL;
}

static void answer(const struct cached_doc *d, const struct store_read *read, struct arena *arena,
                   struct store_answer *ret_answer)
{
    struct redis_lending lending = {.arena = arena};
    ret_answer->err = ERR_OK;
    ret_answer->input = read->input ? shared_bytes(d->input) : BYTES_NONE;
    lending_add(&lending, d->input, ret_answer->input.len);
    ret_answer->part_count = read->range_count;
    ret_answer->parts = arena_alloc(arena, read->range_count * sizeof *ret_answer->parts);
    for (uint32_t i = 0; i < read->range_count; i++) {
        struct byte_range range = read->ranges[i];
        const struct cached_part *p = find_part(d, range);
        ret_answer->parts[i] = bytes_of(p->text->bytes.ptr + (range.offset - p->offset), range.len);
        lending_add(&lending, p->text, range.len);
    }
    ret_answer->lenders = lending_end(&lending);
}

bool cache_read(struct redis_cache *c, const struct store_read *read, struct arena *arena,
                struct store_answer *ret_answer)
{
    struct cached_doc *d = read->kind == READ_PARTS ? map_get(&c->docs, read->task_id) : NULL;
    if (d == NULL || d->durable == 0 || read->item != 0) {
        return false;
    }
    for (uint32_t i = 0; i < read->range_count; i++) {
        if (find_part(d, read->ranges[i]) == NULL) {
            return false;
        }
    }
    if (ret_answer != NULL) {
        unlink_doc(c, d);
        link_newest(c, d);
        answer(d, read, arena, ret_answer);
    }
    return true;
}

void cache_forget(struct redis_cache *c)
{
    while (c->oldest != NULL) {
        drop(c, c->oldest);
    }
    while (c->row_count > 0) {
        struct cached_doc *d = c->rows[c->row_first].doc;
        c->row_first = (c->row_first + 1) % c->row_cap;
        c->row_count--;
        if (d != NULL && --d->pending == 0) {
            doc_free(d);
        }
    }
    if (c->docs.count == 0) {
        map_free(&c->docs);
        free(c->rows);
        *c = (struct redis_cache){0};
    }
}
