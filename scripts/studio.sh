#!/usr/bin/env bash
# studio.sh [BUILD FOLDER [PORT]]: builds the studio page and serves it to this
# computer, with the headers that threads need.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
port=${2:-8000}
scripts/install-web-deps.sh node
scripts/web.sh "$build" >/dev/null
url=http://127.0.0.1:$port/studio/
echo "$url (Ctrl+C ends it)"
if command -v xdg-open >/dev/null && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  (sleep 1 && xdg-open "$url" >/dev/null 2>&1) &
fi
exec node web/tools/serve.mjs "$build/web" "$port"
