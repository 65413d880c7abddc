#!/bin/sh
# Every C file is as the pinned clang-format leaves it. Usage: format.sh ROOT
set -eu
tool=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$tool" ]; then
    echo "SKIPPED: clang-format is not installed"
    exit 77
fi
case $("$tool" --version) in
*"version 14."*) ;;
*)
    echo "SKIPPED: clang-format 14 is pinned, this is $("$tool" --version)"
    exit 77
    ;;
esac
cd "$1"
find common coordinator worker gateway deploy tests -name '*.[ch]' -print0 | xargs -0 "$tool" --dry-run -Werror
echo "all C files are formatted"
