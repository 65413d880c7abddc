#!/usr/bin/python3
"""photos.list: the photos of a manifest, to be measured one by one.

input:  {"manifest": file, "limit": 1..10000, default 10000}
result: {"photos": [{"file","dish"}], "count", "method"}"""
from marathon_function import Permanent, method, read_json, run


def listing(call):
    name, limit = call.text("manifest"), call.whole("limit", 10000, 1, 10000)
    manifest = read_json(name, "input.manifest")
    try:
        photos = [{"file": p["file"], "dish": p["dish"]} for p in manifest][:limit]
    except (KeyError, TypeError) as error:
        raise Permanent(f"{name}: not a list of photos ({type(error).__name__}: {error})") from error
    call.progress(1.0, f"{len(photos)} photos")
    return {"photos": photos, "count": len(photos), "method": method("manifest-v1")}


if __name__ == "__main__":
    run(listing)
