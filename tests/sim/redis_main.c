/* sim_redis: the worlds of sim, with a real Redis beside the model of the store. */
#include "redis_mirror.h"
#include "run.h"

int main(int argc, char **argv)
{
    static const struct run_kind kind = {
        .name = "sim_redis",
        .seeds = 100,
        .usage =
            "usage: sim_redis [--seeds COUNT | --seeds FROM..TO | --seed N] [--jobs PROCESSES] "
            "[--trace]\n"
            "\n"
            "Runs the worlds of sim, one from each seed (1 to 100), and gives their rows and "
            "reads\n"
            "to a redis-server of its own as well, by the store of the coordinator: it must "
            "answer\n"
            "as the model does, and hold the same in the end.\n",
        .open = redis_mirror_open,
        .close = redis_mirror_close,
    };
    return run_main(argc, argv, &kind);
}
