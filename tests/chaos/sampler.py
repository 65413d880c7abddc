"""Looks at the running cluster a few times a second and writes what it saw to events.jsonl: owner records (their epochs may only rise),
TTLs of the keys of live tasks (there may be none), and memory and file descriptors of each process."""

import os
import threading
import time

# One atomic look: every live task has no TTL on any of its keys. At most 200 tasks, so that it stays short.
LIVE_TTL = """
local bad, looked = {}, 0
for p = 0, 63 do
  for _, id in ipairs(redis.call('SRANDMEMBER', string.format('marathon:live:p%02d', p), 4)) do
    looked = looked + 1
    for _, key in ipairs({'marathon:task:' .. id, 'checkpoint:' .. id, 'error:' .. id}) do
      if redis.call('PTTL', key) >= 0 then bad[#bad + 1] = key end
    end
  end
end
return {looked, bad}
"""


def usage(pid):
    """Resident KiB and open file descriptors; None where the process is gone."""
    try:
        with open(f"/proc/{pid}/statm") as f:
            pages = int(f.read().split()[1])
        return pages * 4, len(os.listdir(f"/proc/{pid}/fd"))
    except (OSError, ValueError, IndexError):
        return None


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Sampler(threading.Thread):
    def __init__(self, rig, every=0.25):
        super().__init__(daemon=True)
        self.rig, self.every, self.going = rig, every, True
        self.epochs = {}
        self.start()

    def owners(self, redis):
        records = redis.pipeline([("HMGET", self.rig.owner_key(p), "epoch", "nonce", "owner") for p in range(64)])
        for p, record in enumerate(records):
            if self.epochs.get(p) != record:
                self.epochs[p] = record
                self.rig.log_lines.put("owner", partition=p, epoch=int(record[0] or 0), nonce=record[1], owner=record[2])

    def look(self, redis):
        self.owners(redis)
        # Several servers have no one moment: there the dump at the end looks at each key.
        looked, bad = (0, []) if self.rig.nodes else redis.call("EVAL_RO", LIVE_TTL, 0)
        if looked:
            self.rig.log_lines.put("live_ttl", looked=looked, bad=bad)
        for p in list(self.rig.processes):
            seen = usage(p.popen.pid)
            if seen:
                self.rig.log_lines.put("usage", process=p.name, pid=p.popen.pid, rss_kib=seen[0], fds=seen[1])

    def run(self):
        redis, path = None, None
        while self.going:
            try:
                if redis is None or path != self.rig.redis_socket:
                    path = self.rig.redis_socket
                    redis = self.rig.store(1)
                self.look(redis)
            except (OSError, ValueError, EOFError):
                redis = None
            time.sleep(self.every)

    def stop(self):
        self.going = False
        self.join(5)
