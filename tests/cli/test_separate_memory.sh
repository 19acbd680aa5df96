# The memory needed does not grow with the song (bench/memory.sh has hours).
source "$(dirname "$0")/helpers.sh"
run 0 "$SOURCE/bench/memory.sh" "$(dirname "$DEMUCS_ONNX")" 10 90
says out '^ratio (0|1\.[01])'
finish
