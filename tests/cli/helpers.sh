# Sourced by every test_*.sh: a fresh folder, and assertions on one command.
set -u
: "${DEMUCS_ONNX:?path of the binary}" "${DMX_TEST_DATA:?path of tests/data}"
SOURCE=${DMX_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/dmx-cli-XXXXXX")
trap 'chmod -R u+w "$WORK"; rm -rf "$WORK"' EXIT
cd "$WORK" || exit 1
failures=0

# run CODE COMMAND...: stdout and stderr go to files out and err.
run() {
    local wanted=$1 code
    shift
    "$@" >"$WORK/out" 2>"$WORK/err"
    code=$?
    if [ "$code" != "$wanted" ]; then
        echo "FAIL: exit code $code instead of $wanted: $*"
        head -n 5 "$WORK/out" "$WORK/err"
        failures=$((failures + 1))
    fi
}

# says out|err PATTERN: the last run's output matches the extended regex.
says() {
    if ! grep -Eq -- "$2" "$WORK/$1"; then
        echo "FAIL: std$1 does not match '$2':"
        head -n 5 "$WORK/$1"
        failures=$((failures + 1))
    fi
}

# check TEXT COMMAND...: the command succeeds.
check() {
    local text=$1
    shift
    if ! "$@"; then
        echo "FAIL: $text"
        failures=$((failures + 1))
    fi
}

# empty FOLDER: no entries at all.
empty() {
    [ -z "$(ls -A "$1")" ]
}

# short_song FILE: one second of noise, WAV.
short_song() {
    printf 'RIFF\x34\xb1\2\0WAVEfmt \x10\0\0\0\1\0\2\0' >"$1"
    printf '\x44\xac\0\0\x10\xb1\2\0\4\0\x10\0data\x10\xb1\2\0' >>"$1"
    head -c 176400 "$DMX_TEST_DATA/demo/true_bass.flac" >>"$1"
}

le32() {
    printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))"
    printf "\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x $(($1 >> 24)))"
}
# song FILE TWENTIETHS: of a second of noise, 16-bit stereo; needs one.wav, made
# by short_song.
song() {
    local bytes=$((8820 * $2))
    {
        printf RIFF
        le32 $((bytes + 36))
        head -c 40 one.wav | tail -c 32
        le32 $bytes
        tail -c +45 one.wav | head -c $bytes
    } >"$1"
}

finish() {
    [ "$failures" = 0 ] && exit 0
    echo "$failures failures"
    exit 1
}
