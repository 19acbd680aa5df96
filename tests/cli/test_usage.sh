# Wrong usage: exit code 2, one clear line and a hint; help and version.
source "$(dirname "$0")/helpers.sh"

run 2 "$DEMUCS_ONNX"
says err 'usage: demucs-onnx COMMAND'
run 0 "$DEMUCS_ONNX" --help
says out '^commands:'
run 0 "$DEMUCS_ONNX" --version
says out '^demucs-onnx [0-9]+\.[0-9]+\.[0-9]+$'
run 2 "$DEMUCS_ONNX" completin
says err "did you mean 'completion'"
run 2 "$DEMUCS_ONNX" --quite
says err 'unknown option --quite; did you mean --quiet'
run 2 "$DEMUCS_ONNX" completion
says err 'expected bash'
run 2 "$DEMUCS_ONNX" completion bash zsh
says err 'too many arguments'
run 2 "$DEMUCS_ONNX" completion -- --bash
says err "'--bash' is not one of"
run 2 "$DEMUCS_ONNX" completion bash --quiet=3
says err 'takes no value'
run 2 "$DEMUCS_ONNX" completion -x
says err 'unknown option -x'

# Every command explains itself, and its help mentions no unknown command.
commands=$("$DEMUCS_ONNX" --help |
    sed -n '/^commands:/,/^$/p' | awk '/^  [a-z]/ { print $1 }')
check "the help lists commands" test -n "$commands"
for command in $commands; do
    run 0 "$DEMUCS_ONNX" "$command" --help
    says out "^usage: demucs-onnx $command"
done

# Help text fits a terminal.
for command in $commands; do
    "$DEMUCS_ONNX" "$command" --help | awk 'length > 100 { exit 1 }'
    check "$command --help is too wide" test $? = 0
done

# Failing to write results is an error.
run 1 bash -c '"$1" completion bash >/dev/full' - "$DEMUCS_ONNX"
says err "can't write"
# A reader that closes the pipe early is not an error.
run 0 bash -o pipefail -c '"$1" completion bash | head -n 1' - "$DEMUCS_ONNX"

# The engines on offer are those of the table of backends.
run 0 "$DEMUCS_ONNX" separate --help
check "one choice an engine" test \
    "$(grep -oE -- '--engine [a-z|]+' out | cut -d' ' -f2 | tr '|' '\n' | sort)" = \
    "$(grep -oE '\.name = "[a-z]+"' "$SOURCE/src/separate/backends.c" |
        cut -d'"' -f2 | sort)"
finish
