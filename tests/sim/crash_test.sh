#!/bin/sh
# A world that dies by a signal is told, with its seed, the signal, and how to run it again; and is no success.
set -u
sim=$1
planted=$2
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# fails STATUS WORDS...: it must end so, and say so.
fails() {
    want=$1
    text=$2
    shift 2
    "$@" >"$out" 2>&1
    status=$?
    if [ $status -ne "$want" ] || ! grep -q -e "$text" "$out"; then
        echo "$*: status $status, not $want with: $text"
        cat "$out"
        exit 1
    fi
}

killed='sim: died by signal 9 (Killed) at seed 7 of commit .*; again: sim --seed 7 --trace'
fails 1 "$killed" "$sim" --seeds 8 --jobs 2
fails 1 "$killed" "$sim" --seeds 8 --jobs 1
fails 1 "$killed" "$sim" --seed 7
fails 1 "$killed" "$sim" --seed 7 --trace
fails 1 "the story of 7" "$sim" --seed 7 --trace
fails 1 'sim: failed at seed 9 of commit .*; again: sim --seed 9 --trace' "$sim" --seeds 8..9 --jobs 2
fails 0 'sim: 6 worlds, all invariants held' "$sim" --seeds 6
fails 1 'DIED    *7 .* by signal 9 (Killed); again: sim_planted --plant 0 --seed 7' "$planted" 8
fails 1 '^0 of ' "$planted" 8
