#include "model/problem_members.h"

#include "json/scan.h"

void problem_members_put(struct buf *out, const struct problem_members *members)
{
    const struct code_info *info = code_info(members->code);
    buf_addf(out, "{\"type\":\"urn:marathon:problem:%s\",\"title\":", info->name);
    json_put_string(out, bytes_str(info->title));
    buf_addf(out, ",\"status\":%d,\"detail\":", members->status);
    json_put_string(out, members->detail);
    buf_addf(out, ",\"code\":\"%s\",\"request_id\":", info->name);
    json_put_string(out, members->request_id);
}
