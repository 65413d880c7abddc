#include "task_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct doc *doc_of(struct buf *text)
{
    struct doc *d = NULL;
    struct doc_fault fault;
    assert_int_equal(doc_parse(buf_bytes(text), &d, &fault), ERR_OK);
    buf_free(text);
    return d;
}

struct doc *status_doc(const char *members, const char *steps)
{
    struct buf text = {0};
    buf_addf(&text, "{%s,\"steps\":[%s]}", members, steps);
    return doc_of(&text);
}

struct view view_of(const char *members, const char *steps)
{
    struct view v;
    struct doc *d = status_doc(members, steps);
    view_init(&v, "t1");
    assert_int_equal(view_take_status(&v, doc_root(d)), ERR_OK);
    doc_free(d);
    return v;
}

enum view_news view_feed(struct view *v, const char *message, unix_ms now)
{
    struct buf text = {0};
    buf_add_str(&text, message);
    struct doc *d = doc_of(&text);
    enum view_news news = view_take_message(v, doc_root(d), now);
    doc_free(d);
    return news;
}

char *steps_json(size_t count)
{
    struct buf text = {0};
    for (size_t i = 0; i < count; i++) {
        buf_addf(&text, "%s{\"name\":\"s%zu\",\"status\":\"pending\"}", i > 0 ? "," : "", i);
    }
    char *copy = mem_str(buf_cstr(&text));
    buf_free(&text);
    return copy;
}
