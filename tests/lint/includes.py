#!/usr/bin/python3
"""Checks every #include against the layout of the tree: arrows point down only, and a third-party library is included by the folder
that owns it and by no other, not even through a header; and no call that compiles but finds nothing. Usage: includes.py ROOT"""
import pathlib
import re
import sys

PURE = {"base", "model", "json", "expr", "crypto/hash.h"}
COMMON = {"base", "model", "json", "expr", "crypto", "wire", "conf", "loop", "monitor", "tls", "transport"}

# Folder -> the folders (or single headers) that it may include, besides itself.
ALLOWED = {
    "common/base": set(),
    "common/json": {"base"},
    "common/expr": {"base", "json"},
    "common/crypto": {"base"},
    "common/model": {"base", "json", "expr", "crypto/hash.h"},
    "common/wire": {"base", "model"},
    "common/conf": {"base"},
    "common/loop": {"base"},
    "common/monitor": {"base", "conf", "loop", "model"},
    "common/tls": {"base", "conf"},
    "common/transport": {"base", "model", "wire", "loop", "tls"},
    "coordinator/core": PURE,
    "coordinator/store": {"base", "model", "json", "crypto", "loop", "tls", "core/storage.h"},
    "coordinator/main": COMMON | {"core", "store"},
    "worker/agent": PURE,
    "worker/plugin": set(),
    "worker/run": {"base", "model", "json", "crypto", "loop", "agent", "plugin"},
    "worker/main": COMMON | {"agent", "run", "plugin"},
    "gateway/api": PURE,
    "gateway/http": {"base", "model", "json", "loop"},
    "gateway/main": COMMON | {"api", "http"},
    "gateway/cli": {"base", "model", "json", "crypto", "conf", "loop", "tls"},
}

# Header -> the folders that own the library. The command line is an HTTP client of its own, in a program without a worker.
OWNERS = {
    r"uv\.h|uv/.*": {"common/loop"},
    r"msgpack.*": {"common/wire"},
    r"jansson.*": {"common/json"},
    r"openssl/.*": {"common/crypto", "common/tls"},
    r"nng/.*": {"common/transport"},
    r"microhttpd\.h": {"common/monitor"},
    r"hiredis/.*": {"coordinator/store"},
    r"curl/.*": {"worker/run", "gateway/cli"},
    r"libfyaml\.h": {"gateway/cli"},
    r"libwebsockets.*": {"gateway/http"},
}

# Headers of C, POSIX, Linux and the compiler: anything else in <> is a library that has no owner yet.
SYSTEM = re.compile(
    r"(assert|ctype|errno|fenv|float|inttypes|limits|locale|math|setjmp|signal|std(align|arg|atomic|bool|def|int|io|lib|noreturn)"
    r"|string|strings|threads|time|arpa/inet|dirent|dlfcn|elf|endian|execinfo|fcntl|ftw|getopt|glob|grp|ifaddrs|langinfo|libgen"
    r"|link|malloc|net/if|netdb|netinet/(in|tcp)|poll|pthread|pwd|regex|sched|semaphore|spawn|syslog|termios|ucontext|unistd|utime"
    r"|wchar|wctype|linux/\w+|sys/\w+|argp|nmmintrin|wmmintrin|arm_acle|arm_neon)\.h")

# Folder -> calls that it must not make, and why.
VAIN = {
    "gateway/http": (re.compile(r"\blws_(hdr_\w+|http_get_uri\w*|get_urlarg\w*|buflist_\w+)(?=\()"),
                     "libwebsockets is not shown what the client says: ask http/head.h, whose table names every field that is read"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def folder_of(path, root):
    return "/".join(path.relative_to(root).parts[:2])


def library_of(header):
    return next((rule for rule in OWNERS if re.fullmatch(rule, header)), None)


def check_own(path, folder, header, problems):
    """An include in quotes."""
    first = header.split("/")[0]
    if "/" not in header:
        problems.append(f'{path}: "{header}": say its folder, as in "{folder.split("/")[1]}/{header}"')
    elif first != folder.split("/")[1] and not {first, header} & ALLOWED[folder]:
        problems.append(f'{path}: "{header}": {folder} may not include that (tests/lint/includes.py has the table)')


def check_foreign(path, folder, header, problems):
    """An include in angle brackets."""
    library = library_of(header)
    if library is None and not SYSTEM.fullmatch(header):
        problems.append(f"{path}: <{header}> belongs to no folder yet: add its owner to tests/lint/includes.py")
    elif library is not None and folder not in OWNERS[library]:
        problems.append(f"{path}: <{header}> is for {' and '.join(sorted(OWNERS[library]))} only")


def check_own_first(path, root, includes, problems):
    """x.c includes its x.h before all others."""
    own = path.with_suffix(".h")
    if path.suffix == ".c" and own.exists():
        name = f"{own.parent.name}/{own.name}"
        if not includes or includes[0][1] != name:
            problems.append(f'{path.relative_to(root)}: its own header "{name}" is to be included first')


def check_vain(path, name, folder, problems):
    calls, why = VAIN.get(folder, (None, None))
    if calls is not None:
        problems += [f"{name}: {m.group(0)}: {why}" for m in calls.finditer(path.read_text())]


def leaking_headers(files, root):
    """Headers of ours that pull a library in."""
    leaks = {}
    for path, includes in files.items():
        foreign = [h for mark, h in includes if mark == "<" and library_of(h)]
        if path.suffix == ".h" and foreign:
            leaks[f"{path.parent.name}/{path.name}"] = (folder_of(path, root), foreign[0])
    return leaks


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    problems = []
    files = {}
    for process in ("common", "coordinator", "worker", "gateway"):
        for path in sorted((root / process).rglob("*.[ch]")):
            files[path] = INCLUDE.findall(path.read_text())
    leaks = leaking_headers(files, root)
    for path, includes in files.items():
        folder = folder_of(path, root)
        name = path.relative_to(root)
        if folder not in ALLOWED:
            problems.append(f"{name}: the folder {folder} is not in the table of tests/lint/includes.py")
            continue
        check_own_first(path, root, includes, problems)
        check_vain(path, name, folder, problems)
        for mark, header in includes:
            if mark == "<":
                check_foreign(name, folder, header, problems)
            else:
                check_own(name, folder, header, problems)
            if mark == '"' and header in leaks and leaks[header][0] != folder:
                problems.append(f'{name}: "{header}" pulls in <{leaks[header][1]}>')
    print("\n".join(problems) or f"{len(files)} files include only what they may")
    return 1 if problems or not files else 0


sys.exit(main())
