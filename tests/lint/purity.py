#!/usr/bin/python3
"""Checks that the pure libraries do no I/O, read no clock, know no thread and draw no randomness: none of their undefined symbols may be
one of those. Usage: purity.py LIBRARY.a..."""
import re
import subprocess
import sys

FORBIDDEN = {
    "files and sockets": r"f?open(64|at)?|f?close|creat|p?(read|write)v?(64)?|lseek(64)?|f(read|write|puts|putc|getc|gets|flush)"
                         r"|puts|putchar|getchar|getline|perror|v?f?printf|vfprintf|__v?f?printf_chk|dprintf|std(in|out|err)"
                         r"|f(data)?sync|unlink|rename|mkdir|rmdir|l?f?stat(64)?|opendir|readdir(64)?|pipe2?|dup[23]?|fcntl(64)?"
                         r"|ioctl|poll|select|epoll_\w+|socket(pair)?|connect|bind|listen|accept4?|send(to|msg)?|recv(from|msg)?"
                         r"|mmap(64)?|syslog|json_(load|dump)_(file|f)|json_dumpf|json_loadf",
    "clocks": r"clock_(gettime|nanosleep)|time|gettimeofday|nanosleep|u?sleep|clock|timer_\w+|alarm|clock_(now|mono_us)",
    "threads and processes": r"pthread_\w+|thrd_\w+|mtx_\w+|cnd_\w+|sem_\w+|v?fork|exec[lv]p?e?|posix_spawnp?|system|popen|kill|raise"
                             r"|sigaction|signal|wait(pid|id)?",
    "randomness": r"s?rand(om)?(_r)?|[dlm]rand48|getrandom|getentropy|arc4random\w*|random_(bytes|u64)|RAND_\w+",
    "the environment": r"(secure_)?getenv|setenv|putenv|environ|gethostname|getpid",
    "our own impure parts": r"log_(line|init|enabled)|loop_\w+|transport_\w+|uv_\w+|nng_\w+|redis\w+|curl_\w+|lws_\w+",
}


def undefined_of(library):
    """{symbol: the object that uses it}; what another object of the library defines is not undefined."""
    listing = subprocess.run(["nm", "-A", library], check=True, capture_output=True, text=True).stdout
    uses, defined = {}, set()
    for line in listing.splitlines():
        m = re.match(r"\S*?:?([^:]+):\s*[0-9a-f]*\s+(\w)\s+(\S+)$", line)
        if m and m.group(2) in "Uwv":
            uses[m.group(3).split("@")[0]] = m.group(1)
        elif m:
            defined.add(m.group(3))
    return {s: o for s, o in uses.items() if s not in defined}


def main():
    problems = []
    for library in sys.argv[1:]:
        name = library.rsplit("/", 1)[-1]
        symbols = undefined_of(library)
        if not symbols:
            problems.append(f"{name}: no symbols at all: is it empty?")
        for what, pattern in FORBIDDEN.items():
            rule = re.compile(pattern)
            problems += [f"{name}({o}): {s}: {what} are not for pure code" for s, o in sorted(symbols.items()) if rule.fullmatch(s)]
    print("\n".join(problems) or f"{len(sys.argv) - 1} libraries are pure")
    return 1 if problems or len(sys.argv) < 2 else 0


sys.exit(main())
