# Untrusted text, in files and in names, is harmless on a terminal, stays on one
# line, and is valid UTF-8 in JSON.
source "$(dirname "$0")/helpers.sh"
MODEL=$DMX_TEST_DATA/demo/htdemucs_tiny-87685527.th

# harmless FILE: no control character but newline and tab, no C1, no
# bidirectional control, and valid UTF-8.
harmless() {
    iconv -f UTF-8 -t UTF-8 "$1" >/dev/null 2>&1 &&
        ! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$1" &&
        ! LC_ALL=C grep -q "$(printf '\302[\200-\237]')" "$1" &&
        ! LC_ALL=C grep -q "$(printf '\342\200[\250-\256]')" "$1"
}

# Names of files.
evil=$(printf 'x\033]0;PWNED\007\033[31m\nfake: line\302\233 \342\200\256\233')
run 1 "$DEMUCS_ONNX" separate -m "$MODEL" "./$evil.wav"
check "a missing song's name is harmless" harmless err
check "its message is one line" test "$(wc -l <err)" -le 2
says err '\\x1b\]0;PWNED\\x07\\x1b\[31m\\nfake: line\\u009b \\u202e\\x9b'
run 1 "$DEMUCS_ONNX" inspect "./$evil.th"
check "a missing checkpoint's name is harmless" harmless err
run 2 "$DEMUCS_ONNX" "--$evil"
check "an unknown option is harmless" harmless err
run 2 "$DEMUCS_ONNX" "$evil"
check "an unknown command is harmless" harmless err

# Keys of a configuration, text of metadata.
printf '{"a\\u001b[31m\\n\\u202e": 1}' >evil.json
run 0 "$DEMUCS_ONNX" inspect "$MODEL" --config evil.json
check "a configuration's keys are harmless" harmless err
says err "unknown argument 'a\\\\x1b\[31m\\\\n\\\\u202e' dropped"
if [ -d "$DMX_TEST_DATA/escapes" ]; then
    for model in "$DMX_TEST_DATA"/escapes/*.onnx; do
        for arguments in "inspect" "inspect --graph" "inspect --json" \
            "separate $DMX_TEST_DATA/demo/song.flac -m" \
            "verify $MODEL" "verify --json $MODEL"; do
            # shellcheck disable=SC2086
            "$DEMUCS_ONNX" $arguments "$model" >out 2>err
            check "$arguments $(basename "$model") prints harmless text" \
                harmless out
            check "$arguments $(basename "$model") says harmless text" \
                harmless err
        done
    done
fi

# Names in JSON are UTF-8; the results' paths go raw into a pipe.
song=$(printf 'caf\351 \033[31m.flac')
cp "$DMX_TEST_DATA/demo/song.flac" "$song"
run 0 "$DEMUCS_ONNX" separate -m "$MODEL" "$song" -o "$(printf 'j\351')" \
    --json --stem drums
check "the events are UTF-8" iconv -f UTF-8 -t UTF-8 out -o /dev/null
says out '"song": "caf\\ufffd \\u001b\[31m.flac"'
says out '"file": "j\\ufffd/caf_ _\[31m/drums.wav"'
run 0 "$DEMUCS_ONNX" separate -m "$MODEL" "$song" -o p --stem drums
check "the path on standard output opens the file" test -f "$(cat out)"
check "what is said of it is harmless" harmless err
if command -v script >/dev/null; then
    run 0 script -qec "'$DEMUCS_ONNX' separate -q -m '$MODEL' '$song' -o t --stem drums" typed
    check "on a terminal it is not raw" test -z \
        "$(LC_ALL=C grep -a "$(printf '\033\[31m')" out)"
fi

# Events: an error is an event, and "end" always comes.
run 1 "$DEMUCS_ONNX" separate -m "$DMX_TEST_DATA/demo/README.md" \
    "$DMX_TEST_DATA/demo/song.flac" --json
check "two events" test "$(wc -l <out)" = 2
says out '^\{"event": "error", "error": "format", "message": '
says out '^\{"event": "end", "songs": 1, "separated": 0, "failed": 1, '
run 2 "$DEMUCS_ONNX" separate --json --bogus x
says out '^\{"event": "error", "error": "argument", "message": "separate: unknown'
says out '^\{"event": "end", "songs": 0, '
run 2 "$DEMUCS_ONNX" separate --json
says out '^\{"event": "end", "songs": 0, '
run 2 "$DEMUCS_ONNX" separate --json --wav --mp3 x.wav
says out '^\{"event": "end", '
run 1 "$DEMUCS_ONNX" inspect "$DMX_TEST_DATA/demo/README.md" --json
says out '^\{"error": "format", "message": '
finish
