#!/bin/sh
# data.inventory: what files the functions can see, as an example of a function in sh.
# result: {"files":N,"bytes":N,"kinds":{"csv":N,...},"method":{...}}
set -eu

envelope=$(cat)
dir=${MARATHON_DATA_DIR:-$(dirname "$(readlink -f "$0")")/../../samples}

# The value of a plain member of the envelope (ids, numbers): the first one of that name, which is the envelope's own.
field() {
    printf '%s' "$envelope" | grep -o "\"$1\" *: *[\"0-9A-Za-z_.:-]*" | head -n 1 | sed 's/^[^:]*: *//; s/"//g'
}

# News on fd 3 where it is open.
news() {
    { printf '%s\n' "$1" >&3; } 2>/dev/null || true
}

case $envelope in
\{*) ;;
*)
    echo "the envelope on stdin is not an object" >&2
    exit 65
    ;;
esac
if [ ! -d "$dir" ]; then
    echo "the data directory $dir is not there" >&2
    exit 75
fi

news '{"progress":0.1,"message":"counting files"}'
result=$(find "$dir" -type f -printf '%s %f\n' | awk '
    { bytes += $1; n = split($0, part, "."); kind = n > 1 ? tolower(part[n]) : "none"
      if (kind !~ /^[a-z0-9]+$/) kind = "other"
      kinds[kind]++; files++ }
    END { printf "{\"files\":%d,\"bytes\":%d,\"kinds\":{", files, bytes
          m = 0
          for (k in kinds) names[++m] = k
          for (i = 1; i <= m; i++) for (j = i + 1; j <= m; j++) if (names[j] < names[i]) { t = names[i]; names[i] = names[j]; names[j] = t }
          for (i = 1; i <= m; i++) printf "%s\"%s\":%d", (i > 1 ? "," : ""), names[i], kinds[names[i]]
          printf "},\"method\":{\"kind\":\"deterministic\",\"name\":\"file-count-v1\"}}" }')
news '{"progress":1.0,"message":"counted"}'

if [ -n "${MARATHON_EFFECTS_LOG:-}" ]; then
    printf '%s %s %s %s\n' "$(field task_id)" "$(field step_id)" "$(field attempt)" "$(field idempotency_key)" >>"$MARATHON_EFFECTS_LOG"
    sync "$MARATHON_EFFECTS_LOG"
fi
printf '%s\n' "$result"
