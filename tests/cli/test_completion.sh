# The scripts parse in their shells where those are installed, and name every
# command and option that the help shows.
source "$(dirname "$0")/helpers.sh"

for kind in bash zsh fish man; do
    run 0 "$DEMUCS_ONNX" completion $kind
    cp out "$kind"
done
check "bash parses its script" bash -n bash
if command -v zsh >/dev/null; then check "zsh parses" zsh -n zsh; fi
if command -v fish >/dev/null; then check "fish parses" fish -n fish; fi

commands=$("$DEMUCS_ONNX" --help |
    sed -n '/^commands:/,/^$/p' | awk '/^  [a-z]/ { print $1 }')
for command in $commands; do
    for kind in bash zsh fish; do
        check "$kind knows $command" grep -q -- "$command" $kind
    done
    for option in $("$DEMUCS_ONNX" "$command" --help |
        grep -Eo '^ +(-[a-z], )?--[a-z0-9-]+' | grep -Eo -- '--.*'); do
        for kind in bash zsh; do
            check "$kind knows $option" grep -q -- "$option" $kind
        done
        check "fish knows $option" grep -q -- "-l ${option#--}" fish
        check "man knows $option" \
            grep -q -- "\\\\-\\\\-$(sed 's/^--//; s/-/\\\\-/g' <<<"$option")" man
    done
done

# What bash offers after "demucs-onnx comp".
offer() {
    bash -c 'source "$0"; COMP_WORDS=(demucs-onnx "$@")
        COMP_CWORD=$(($# > 0 ? $# : 1)); _demucs_onnx
        echo "${COMPREPLY[*]}"' "$WORK/bash" "$@"
}
check "a command is completed" test "$(offer comp)" = completion
check "an option is completed" test "$(offer completion --verb)" = --verbose
finish
