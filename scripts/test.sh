#!/usr/bin/env bash
# test.sh [BUILD FOLDER [CTEST OPTIONS...]]: runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build}
shift || true
source scripts/onnxruntime-env.sh
cd "$folder"
exec ctest --output-on-failure --no-tests=error "$@"
