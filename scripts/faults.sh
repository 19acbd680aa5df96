#!/usr/bin/env bash
# faults.sh [BUILD FOLDER [POINTS [KILLS [COMMANDS]]]]: lets one call after the
# other fail in every command (or those named) - allocations, open, read, write,
# short writes, fsync, rename, mmap: at most POINTS (400) of each kind, evenly
# spread, 0: none - and kills exports and separations KILLS (100) times. Asks each time:
# no crash and no hang; success only with the right files; otherwise one line of
# error, no file under a final name, no part left behind, nothing of the user's
# changed.
set -u
cd "$(dirname "$0")/.."
build=$(realpath "${1:-build}")
points=${2:-400}
kills=${3:-100}
commands=${4:-export separate flac verify inspect download}
source scripts/onnxruntime-env.sh
program=$build/demucs-onnx
inject=$build/tests/libdmx_inject.so
server=$build/tests/dmx_test_server
data=$PWD/tests/data
work=$(mktemp -d "${TMPDIR:-/tmp}/dmx-faults-XXXXXX")
trap 'kill $served 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
unset http_proxy all_proxy ALL_PROXY XDG_CACHE_HOME TORCH_HOME
export HOME=$work/home DEMUCS_ONNX_CACHE=$work/run/cache
kinds="alloc open read write short fsync rename mmap"
runs=0 failures=0

# ------------------------------------------------------------------ subjects

cp "$data/nfft_2048/model.th" model.th
{
    printf 'RIFF\x34\xb1\2\0WAVEfmt \x10\0\0\0\1\0\2\0\x44\xac\0\0'
    printf '\x10\xb1\2\0\4\0\x10\0data\x10\xb1\2\0'
    head -c 176400 "$data/demo/true_bass.flac"
} >song.wav
sum=$(sha256sum model.th | cut -c1-64)
cat >registry.json <<J
{"format": "demucs-onnx registry 1", "base": "https://models.invalid/x/",
 "models": [{"name": "small", "classes": ["HTDemucs"],
  "sources": ["drums", "bass", "other", "vocals"], "weights": null,
  "members": [{"signature": "00000001", "files": [{"url": "00000001.th",
   "sha256": "$sum"}]}]}]}
J
"$server" "/00000001.th=$work/model.th" >url &
served=$!
for _ in $(seq 100); do [ -s url ] && break; sleep 0.05; done
"$program" export model.th model.onnx -q --no-parity-check || exit 1
mkdir home kept
cp model.th model.onnx song.wav registry.json kept

# Every command works in the folder "run", where a file of the user lies.
fresh() {
    rm -rf run
    mkdir -p run/out
    echo precious >run/out/mine
}

command_of() {
    case $1 in
    export) echo export model.th run/out/x.onnx -q --no-parity-check \
        --report run/out/x.json ;;
    separate) echo separate song.wav -q -m model.th -o run/out --threads 1 \
        --plot run/out/x.svg ;;
    flac) echo separate song.wav -q -m model.th -o run/out --threads 1 \
        --flac --clip-mode clamp --stem bass ;;
    verify) echo verify model.onnx model.th -q --no-parity-check \
        --report run/out/x.json ;;
    inspect) echo inspect model.th --graph --json ;;
    download) echo download small -q --registry registry.json --mirror \
        "$(cat url)" ;;
    esac
}

# The files made, but for times in reports and what only speeds the next run.
files() {
    (cd run && find . -type f ! -name '*.json' ! -name '*.part*' \
        ! -name '*.lock' -exec sha256sum {} + | LC_ALL=C sort -k 2)
}

# ---------------------------------------------------------------------- check

bad() {
    echo "FAIL: $*"
    head -n 3 stderr
    failures=$((failures + 1))
}

# check WHAT CODE WANTED-FILES
check() {
    local what=$1 code=$2 wanted=$3 lines
    lines=$(grep -c '^error: ' stderr)
    if [ "$code" -ge 124 ] && [ "$code" != 130 ]; then
        bad "$what: ended with $code"
    elif [ "$code" = 0 ]; then
        cmp -s stdout wanted.out || bad "$what: success with other results"
        files | cmp -s - "$wanted" ||
            bad "$what: success with other files: $(files | diff - "$wanted" |
                cut -c 1,68-)"
    else
        [ "$lines" = 1 ] || bad "$what: $lines lines of error"
        [ "$(cd run && find . -type f ! -name '*.part*' ! -name '*.lock')" = \
            ./out/mine ] || may_stay "$what"
    fi
    [ -z "$(find run -name '*.dmx-part' -o -name '.dmx-spool*')" ] ||
        bad "$what: a part file is left"
    grep -q precious run/out/mine || bad "$what: the user's file is gone"
    for f in model.th model.onnx song.wav registry.json; do
        cmp -s $f kept/$f || bad "$what: $f has changed"
    done
}

# What a failed command may leave are whole files: the model whose report could
# not be written, the download whose name could not be printed.
may_stay() {
    local left
    left=$(files | grep -v ./out/mine)
    [ -z "$left" ] && [ -s run/out/x.json ] && return
    while read -r line; do
        [ -z "$line" ] || grep -qF "$line" "$wanted" ||
            bad "$1: a partial file: $line"
    done <<<"$left"
}

run() { # FAULT COMMAND
    fresh
    # shellcheck disable=SC2046
    timeout 60 env DMX_FAULT="$1" LD_PRELOAD="$inject" "$program" \
        $(command_of "$2") >stdout 2>stderr
}

sweep() { # COMMAND
    local kind count step n
    rm -f count
    DMX_FAULT_COUNT=$work/count run none:0 "$1" || bad "$1 without a fault"
    files >wanted
    cp stdout wanted.out
    for kind in $kinds; do
        count=$(sed -n "s/^$kind //p" count)
        [ -n "$count" ] || bad "$1, $kind: calls are not counted"
        step=$(((count + points - 1) / points))
        [ "$step" -gt 0 ] || step=1
        for ((n = 1 + step / 2; n <= count; n += step)); do
            run "$kind:$n" "$1"
            check "$1, $kind $n of $count" $? wanted
            runs=$((runs + 1))
        done
    done
}

if [ "$points" -gt 0 ]; then
    for command in $commands; do
        sweep "$command"
    done
    [ "$runs" -gt 0 ] || bad "no fault was tried"
fi

# ----------------------------------------------------------------------- kill

for ((n = 0; n < kills; n++)); do
    command=export
    [ $((n % 2)) = 0 ] || command=separate
    run none:0 $command
    [ $n -ge 2 ] || files >"whole.$command"
    fresh
    # shellcheck disable=SC2046
    "$program" $(command_of $command) >stdout 2>stderr &
    sleep "0.$(printf %03d $((n * 37 % 200)))"
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    left=$(files | grep -v -e '\.dmx-part$' -e '\.dmx-spool')
    while read -r line; do
        grep -qF "$line" "whole.$command" ||
            bad "kill $n of $command: a partial file: $line"
    done <<<"$left"
    rm -f run/out/x.json run/out/x.svg run/out/song/*.wav
    # shellcheck disable=SC2046
    "$program" $(command_of $command) >stdout 2>stderr ||
        bad "kill $n of $command: the next run fails"
    [ -z "$(find run -name '*.dmx-part')" ] ||
        bad "kill $n of $command: the next run leaves the dead part"
done

echo "$runs faults, $kills kills: $failures failures"
[ "$failures" = 0 ]
