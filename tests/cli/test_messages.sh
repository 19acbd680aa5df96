# The library speaks of arguments and fields, the program of flags.
source "$(dirname "$0")/helpers.sh"
MODEL=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)
short_song s.flac

# String literals of the library, without comments, in one place each.
literals() {
    sed -e 's|/\*[^*]*\*/||g' "$@" | awk '
        /\/\*/ { comment = 1 } comment { if (/\*\//) comment = 0; next } 1' |
        grep -oE '"([^"\\]|\\.)*"'
}
find "$SOURCE/src" -name '*.[ch]' ! -path '*/cli/*' >library
check "the library was found" test "$(wc -l <library)" -gt 200
xargs -d '\n' cat <library | literals - >literals.txt
check "literals were found" test "$(wc -l <literals.txt)" -gt 1000
check "no flag in a string of the library" \
    test -z "$(grep -E -- '--[a-z]' literals.txt | tee flags)"
cat flags
printf 'x = "give --set"; /* "--no" */\n' >wrong.c
check "the search can find one" test "$(literals wrong.c)" = '"give --set"'

# Every field that a message names is one of the header's.
for field in $(grep -oE '[ (]options\.[a-z_]+' literals.txt | tr -d ' (' | sort -u); do
    check "$field is a field" grep -qE \
        "^    [a-z].*[ *]${field#options.};" "$SOURCE/include/demucs_onnx.h"
done

# And as a flag where the program says it, in JSON too.
run 2 "$DEMUCS_ONNX" separate -m ./ s.flac -o o
says err 'a model in it with --repo$'
run 2 "$DEMUCS_ONNX" separate -m ./ s.flac -o o --json
says out 'a model in it with --repo"'
run 2 "$DEMUCS_ONNX" export "$MODEL" x.onnx --set colour=blue
says err "HTDemucs has no argument 'colour' \(--set\)"
run 1 "$DEMUCS_ONNX" separate -m "$MODEL" s.flac -o o \
    --engine onnxruntime --onnxruntime /nowhere
says err 'with --onnxruntime or \$DEMUCS_ONNXRUNTIME'
for option in repo set onnxruntime cache-dir clip-mode float32 stream; do
    check "--$option is an option" grep -rqE "\"$option\", " "$SOURCE/src/cli"
done

# Names of files are left as they are.
run 1 "$DEMUCS_ONNX" inspect options.clip.th
says err 'options.clip.th'
run 1 "$DEMUCS_ONNX" inspect ./options.clip.th
says err 'options.clip.th'
finish
