# Many processes over one list: shards, results, and runs that are killed.
source "$(dirname "$0")/helpers.sh"
MODEL=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)
separate() { "$DEMUCS_ONNX" separate -q -m "$MODEL" "$@"; }
short_song one.wav
mkdir songs
for i in $(seq -w 12); do song "songs/$i.wav" $((10#$i)); done
ls songs/*.wav >list
lines() { cat "$@" | wc -l; }
done_once() { # N RESULTS...: each of N songs is done, exactly once
    local n=$1
    shift
    test "$(grep -h '"state": "done"' "$@" | cut -d'"' -f4 | sort | uniq |
        wc -l)" = "$n" -a "$(grep -ch '"state": "done"' "$@" |
        paste -sd+ | bc)" = "$n"
}
# hashes RESULTS...: every file has the hash that its line says.
hashes() {
    cat "$@" | grep -o '"file": "[^"]*", "bytes": [0-9]*, "sha256": "[0-9a-f]*"' |
        sed 's/"file": "\(.*\)", "bytes.*sha256": "\(.*\)"/\2  \1/' >sums
    test -s sums && sha256sum --quiet -c sums
}

# A list, from a file and from standard input; blank lines and CR are ignored.
run 0 separate --files-from list -o plain --stem bass
check "all of the list" test "$(ls plain | wc -l)" = 12
{ printf 'songs/01.wav\r\n\n'; echo songs/02.wav; } >crlf
run 0 separate --files-from - -o stdin --stem bass <crlf
check "from standard input" test "$(ls stdin)" = "$(printf '01\n02')"
echo songs >folder.list
cp songs/01.wav extra.wav
run 0 separate --files-from folder.list extra.wav -o folder --stem bass \
    --filename '{track}.{ext}' --shard 0/1
check "a folder on the list, and a song beside it" test \
    "$(ls folder | wc -l)" = 13
run 2 separate
says err 'expected SONG'
run 1 separate --files-from missing
says err 'files-from: missing: No such file'
run 2 separate --files-from songs
says err 'is a folder'
printf 'a\0b\n' >zero
run 2 separate --files-from /dev/zero
says err 'line 1: too long for a name'
run 2 separate --files-from zero
says err 'line 1: a zero byte'
echo - >dash
run 2 separate --files-from dash
says err 'standard input can'
run 2 separate - --files-from - </dev/null
: >nothing
run 0 separate --files-from nothing --json
says out '"event": "end", "songs": 0'

# Shards: each song is in exactly one, whatever the order of the list.
for wrong in 1 8/8 a/8 1/0 -1/8 1/8x / 1/ ''; do
    run 2 separate --files-from list "--shard=$wrong"
done
run 2 separate --files-from list --balance
says err 'balance belongs to'
for i in 0 1 2; do
    run 0 separate --files-from list -o parts --stem bass --shard $i/3 \
        --results part$i.jsonl
    check "shard $i" test "$(lines part$i.jsonl)" -lt 12
done
check "together all" done_once 12 part?.jsonl
check "their hashes" hashes part?.jsonl
check "the same stems" diff -r plain parts
tac list >reversed
run 0 separate --files-from reversed -o again --stem bass --shard 1/3 \
    --results reversed.jsonl
cut -d'"' -f4 part1.jsonl | sort >a
cut -d'"' -f4 reversed.jsonl | sort >b
check "the same part of a list in another order" cmp a b

# Balanced: shards differ by at most the length of the longest song.
for i in 0 1 2; do
    run 0 separate --files-from list -o even --stem bass --shard $i/3 \
        --balance --results even$i.jsonl
    grep -o '"frames": [0-9]*' even$i.jsonl | awk '{ s += $2 } END { print s }'
done >sums
check "balanced parts" done_once 12 even?.jsonl
check "equal parts: $(paste -sd' ' sums)" awk 'NR == 1 { a = b = $1 }
    { if ($1 < a) a = $1; if ($1 > b) b = $1 }
    END { exit !(b - a <= 26460) }' sums
check "parts by name are not" test "$(cut -d'"' -f4 even0.jsonl | sort)" != \
    "$(cut -d'"' -f4 part0.jsonl | sort)"

# A result file says what happened, and a second run does nothing.
says out '^even/'
check "JSON" python3 -c '
import json, sys
for line in open("part0.jsonl"):
    r = json.loads(line)
    assert r["state"] == "done" and r["shard"] == "0/3" and r["frames"] > 0
    assert len(r["sha256"]) == 64 and r["files"][0]["stem"] == "bass"'
cp part0.jsonl before
run 0 separate --files-from list -o parts --stem bass --shard 0/3 \
    --results part0.jsonl --resume part0.jsonl --json
says out '"separated": 0, "failed": 0, "skipped": [1-9]'
check "no further lines" cmp before part0.jsonl
cat part?.jsonl >merged
run 0 separate --files-from list -o parts --stem bass --resume merged --json
says out '"separated": 0, "failed": 0, "skipped": 12'

# Changed songs are separated again; files of others are not replaced.
cp songs/03.wav songs/01.wav
run 1 separate --files-from list -o parts --stem bass --resume merged
says err 'parts/01/bass.wav: exists'
rm -r parts/01
run 0 separate --files-from list -o parts --stem bass --resume merged --json
says out '"separated": 1, "failed": 0, "skipped": 11'
song songs/01.wav 1

# Failures: permanent ones are reported again but not retried; exit codes.
echo nonsense >songs/bad.mp3
printf '%s\n' songs/bad.mp3 songs/none.wav songs/02.wav >some
run 1 separate --files-from some -o some.out --results some.jsonl
check "three lines" test "$(lines some.jsonl)" = 3
check "an error" grep -q '"state": "failed", "error": "format", "retry": false' \
    some.jsonl
run 1 separate --files-from some -o some.out --results some.jsonl \
    --resume some.jsonl
says err 'songs/bad.mp3: failed already'
check "no further lines" test "$(lines some.jsonl)" = 3
mkdir locked
chmod 500 locked
if [ "$(id -u)" != 0 ]; then
    run 75 separate songs/02.wav -o locked --results locked.jsonl
fi
run 75 separate songs/02.wav -o /proc/nowhere --results locked.jsonl
check "may be tried again" grep -q '"retry": true' locked.jsonl
run 0 separate songs/02.wav -o open --results locked.jsonl --resume locked.jsonl
run 1 separate songs/02.wav -o /proc/nowhere
run 1 separate songs/02.wav -o x --results /proc/nowhere/r
says err 'results: /proc/nowhere/r'
run 2 separate songs/02.wav --stdout bass --results r >/dev/null

# A line that was cut off is not a result, and the next one is whole.
{ cat part1.jsonl; printf '{"song": "songs/0'; } >torn
run 0 "$DEMUCS_ONNX" separate -m "$MODEL" songs/02.wav -o torn.out --stem bass \
    --results torn --resume torn
says err 'torn: 1 lines that are no results'
check "ended" grep -q '^{"song": "songs/0$' torn
check "a whole line follows" test "$(tail -n 1 torn | cut -c1-25)" = \
    '{"song": "songs/02.wav", '

# Names that are not UTF-8 are distinguished by their bytes.
cp songs/02.wav $'songs/x\xff.wav'
cp songs/02.wav $'songs/x\xfe.wav'
run 0 separate $'songs/x\xff.wav' -o bytes --stem bass --results bytes.jsonl
run 1 separate $'songs/x\xfe.wav' -o bytes --stem bass --resume bytes.jsonl
says err 'exists'
rm $'songs/x\xff.wav' $'songs/x\xfe.wav'

# Killed at any point, again and again: nothing is lost, nothing done twice.
# The first attempts are far too short for twelve songs on any machine, and each
# is given a little longer, so that even a slow one finishes.
kills=0
for attempt in $(seq 100); do
    "$DEMUCS_ONNX" separate -q -m "$MODEL" --files-from list -o killed \
        --results killed.jsonl --resume killed.jsonl >/dev/null 2>>killed.err &
    pid=$!
    (
        ms=$(((RANDOM % 60 + 20) * (10 + attempt * attempt) / 10))
        sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
        kill -9 $pid 2>/dev/null
    ) &
    wait $pid 2>/dev/null
    code=$?
    [ $code = 137 ] && kills=$((kills + 1)) && continue
    break
done
[ $code = 0 ] || tail -n 3 killed.err
check "ends at last: exit code $code after $kills kills" test $code = 0
check "it was killed" test $kills -gt 0
check "every song once" done_once 12 killed.jsonl
check "hashes" hashes killed.jsonl
check "every file" test "$(find killed -name '*.wav' | wc -l)" = 48
run 0 separate --files-from list -o whole
check "the same stems" diff -r whole killed

# Two processes at once may not write one results file.
"$DEMUCS_ONNX" separate -q -m "$MODEL" songs/12.wav -o first --shifts 50 \
    --results both.jsonl >/dev/null &
first=$!
for _ in $(seq 100); do
    [ -s both.jsonl.begun ] && break
    sleep 0.05
done
run 75 separate songs/12.wav -o second --results both.jsonl
says err 'another process is writing it'
check "nothing of the second" test ! -e second/12
wait $first
check "the first is not disturbed" done_once 1 both.jsonl

# Killed after writing the files but before the line: the files are kept.
run 0 separate songs/05.wav -o late --results late.jsonl
: >late.jsonl
run 0 separate songs/05.wav -o late --results late.jsonl --resume late.jsonl \
    --json
says out '"separated": 0, "failed": 0, "skipped": 1'
check "a line after all" grep -q '"recovered": true' late.jsonl
check "its hashes" hashes late.jsonl
# Killed between two files: both are written again.
rm late/05/bass.wav
: >late.jsonl
run 0 separate songs/05.wav -o late --results late.jsonl --resume late.jsonl
check "made again" test -f late/05/bass.wav
check "its hashes" hashes late.jsonl
finish
