#!/usr/bin/env bash
# test.sh [BUILD FOLDER [CTEST OPTIONS...]]: runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build}
shift || true
cd "$folder"
exec ctest --output-on-failure --no-tests=error "$@"
