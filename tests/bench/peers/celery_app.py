"""W1 and W2 on Celery: a chain of tasks, each of which returns its result to the next. celery_app.py SOCKET TASKS STEPS PAYLOAD WORKERS;
without arguments it is the module that the workers load."""
import json
import os
import subprocess
import sys
import time

from celery import Celery, chain

SOCKET = os.environ.get("BENCH_SOCKET", "")
app = Celery("celery_app", broker=f"redis+socket://{SOCKET}", backend=f"redis+socket://{SOCKET}")
app.conf.update(task_serializer="json", result_serializer="json", worker_prefetch_multiplier=64, broker_pool_limit=None,
                task_acks_late=True, broker_transport_options={"socket_timeout": 30})


@app.task
def step(before, payload):
    return {"at_us": time.monotonic() * 1e6, "fill": "x" * payload, "times": (before or {}).get("times", []) + [time.monotonic() * 1e6]}


def main(socket, tasks, steps, payload, workers):
    here = os.path.dirname(os.path.abspath(__file__))
    env = {**os.environ, "BENCH_SOCKET": socket}
    worker = subprocess.Popen([sys.executable, "-m", "celery", "-A", "celery_app", "worker", "-c", str(workers), "--without-gossip",
                               "--without-mingle", "--without-heartbeat", "-l", "ERROR"], cwd=here, env=env,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        step.delay(None, 1).get(timeout=60)  # the workers are there
        began = time.monotonic()
        signature = chain(step.s(None, payload), *[step.s(payload) for _ in range(steps - 1)])
        ends = [signature.apply_async() for _ in range(tasks)]
        for e in ends:
            last = e.get(timeout=120)
        seconds = time.monotonic() - began
        gaps = sorted(b - a for a, b in zip(last["times"], last["times"][1:]))
        print(json.dumps({"seconds": seconds, "p50_us": gaps[len(gaps) // 2], "p99_us": gaps[int(len(gaps) * 0.99)]}))
    finally:
        worker.terminate()
        worker.wait(30)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:6]))
