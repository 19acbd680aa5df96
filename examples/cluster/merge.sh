#!/usr/bin/env bash
# merge.sh RESULTS...: one line per song, the last one written about it. Exits with 1
# when a song failed.
set -euo pipefail
cat "$@" | awk '
  match($0, /"key": "[0-9a-f]+"/) && /}$/ {
    key = substr($0, RSTART, RLENGTH)
    if (!(key in line)) order[++songs] = key
    line[key] = $0
  }
  END {
    for (i = 1; i <= songs; i++) {
      print line[order[i]]
      if (line[order[i]] ~ /"state": "failed"/) failed = 1
    }
    exit failed
  }'
