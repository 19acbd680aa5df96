# kill -9 before each call that opens, writes, syncs or renames a file while a
# list is separated: the same command again completes it, and nothing is lost,
# done twice or left over. $DMX_KILL_POINTS calls of each kind are tried (3), evenly
# spread; "all" tries every one, in some minutes.
source "$(dirname "$0")/helpers.sh"
INJECT=$DMX_BUILD/tests/libdmx_inject.so
[ -e "$INJECT" ] || {
    echo "not built with what kills a program in its calls"
    exit 77
}
MODEL=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)
points=${DMX_KILL_POINTS:-3}
short_song one.wav
mkdir songs
for i in 1 2 3; do song songs/$i.wav "$i"; done
ls songs/*.wav >list
mkdir run
cd run || exit 1
shard() {
    "$DEMUCS_ONNX" separate -q -m "$MODEL" --files-from ../list -o stems \
        --threads 1 --results results --resume results --flac
}
shard_killed_at() { # KIND:NUMBER
    LD_PRELOAD=$INJECT DMX_FAULT=$1 DMX_FAULT_KILL=1 shard
}
sed -i 's|^songs/|../songs/|' ../list
run 0 shard
cp -r stems ../whole
rm -rf stems results*
LD_PRELOAD=$INJECT DMX_FAULT=open:0 DMX_FAULT_COUNT=../count shard >/dev/null
check "calls were counted" test -s ../count

complete() { # WHAT WAS DONE
    run 0 shard
    check "$1: every song once" test "$(grep -c '"state": "done"' results)" = 3 \
        -a "$(cut -d'"' -f4 results | sort -u | wc -l)" = 3
    check "$1: the same stems" diff -r ../whole stems
    grep -o '"file": "[^"]*", "bytes": [0-9]*, "sha256": "[0-9a-f]*"' results |
        sed 's/"file": "\(.*\)", "bytes.*sha256": "\(.*\)"/\2  \1/' >../sums
    check "$1: 12 hashes" test "$(wc -l <../sums)" = 12
    check "$1: their hashes" sha256sum --quiet -c ../sums
    check "$1: nothing left over: $(find . -name '.*' ! -name . | head -n 1)" \
        test "$(find . -type f | sort | tr '\n' ' ' |
            sed 's|./stems/[123]/[a-z]*.flac ||g')" = './results ./results.begun '
}
kills=0
for kind in open write fsync rename; do
    most=$(sed -n "s/^$kind //p" ../count)
    step=1
    [ "$points" = all ] || step=$(((most + points - 1) / points))
    for number in $(seq $step $step "$most"); do
        rm -rf stems results*
        shard_killed_at "$kind:$number" >/dev/null 2>&1
        [ $? = 137 ] && kills=$((kills + 1))
        # And once more on the way back, at another point.
        shard_killed_at "$kind:$((number / 2 + 1))" >/dev/null 2>&1
        complete "killed at $kind $number"
    done
done
check "it was killed: $kills times" test "$kills" -gt 5
cd ..
finish
