#!/bin/sh
# The same seed tells the same story, byte for byte, however maps hash; another seed tells another one.
set -eu
sim=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for seed in 1 7 42 126; do
    "$sim" --seed $seed --trace >"$dir/first"
    "$sim" --seed $seed --map-seed $seed --trace >"$dir/second"
    cmp "$dir/first" "$dir/second"
    test "$(wc -l <"$dir/first")" -gt 50
    if [ -e "$dir/before" ] && cmp -s "$dir/first" "$dir/before"; then
        echo "seed $seed tells the story of the one before"
        exit 1
    fi
    mv "$dir/first" "$dir/before"
done
