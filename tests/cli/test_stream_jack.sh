# `stream --jack`: a client of a JACK server without a sound card.
source "$(dirname "$0")/helpers.sh"
MODEL=$(ls "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th)
stream() { "$DEMUCS_ONNX" stream -m "$MODEL" --jack "$@"; }

# Without a server, and with conflicting options.
export JACK_DEFAULT_SERVER=dmx-none-$$ JACK_NO_START_SERVER=1
run 2 stream --fd vocals=3
says err 'does not go with'
run 2 stream --raw f32le,44100,2
says err 'does not go with'
run 2 stream --latency exact
says err 'does not go with'
run 2 stream --live
says err 'does not go with'
run 1 stream
if grep -q 'built without' err; then
    echo "built without JACK's headers: its client is not tested"
    exit 77
fi
says err 'no JACK server runs here|libjack was not found'
for tool in jackd jack_lsp jack_wait jack_connect; do
    command -v $tool >/dev/null && continue
    echo "no $tool here: the client is not tested with a server"
    finish
done

client=
server=
stop() {
    [ -n "$client" ] && kill "$client" 2>/dev/null
    [ -n "$server" ] && kill "$server" 2>/dev/null
    wait
    rm -rf "$WORK"
}
trap stop EXIT
servers=0
serve() { # RATE OPTION...
    local rate=$1
    shift
    export JACK_DEFAULT_SERVER=dmx-$((servers++))-$$
    jackd -r -n "$JACK_DEFAULT_SERVER" "$@" -d dummy -r "$rate" -p 1024 \
        >jackd.log 2>&1 &
    server=$!
    jack_wait -s "$JACK_DEFAULT_SERVER" -w -t 20 >wait.log 2>&1 && return
    echo "jackd does not start here: the client is not tested with a server"
    finish
}
begin() { # ARGUMENT...: a client with ports
    rm -f client.out client.err
    "$DEMUCS_ONNX" stream -m "$MODEL" --jack --segment 0.5 --lookahead 0.04 \
        --fade 0.01 "$@" >client.out 2>client.err &
    client=$!
    for ((i = 0; i < 600; i++)); do
        grep -qs 'Ctrl-C ends' client.err && break
        kill -0 $client 2>/dev/null || break
        sleep 0.1
    done
}
ends() { # CODE
    wait $client
    local code=$?
    client=
    check "exit code $code instead of $1" test $code = "$1"
}

serve 48000
run 2 stream
says err 'JACK runs at 48000 Hz, the model at 44100'
kill $server
wait $server

serve 44100 -S -t 60000 # waits for its clients: no block is left out
begin --json --hop 0.3
ports=$(jack_lsp 2>/dev/null | grep '^demucs-onnx:' | sort | tr '\n' ' ')
check "ports: $ports" test "$ports" = "$(printf 'demucs-onnx:%s ' bass_left \
    bass_right drums_left drums_right in_left in_right other_left other_right \
    vocals_left vocals_right)"
# Lookahead, hop, crossfade, one hop of computing, one block; and the server's
# own latency.
behind=$(((40 + 300 + 10 + 300) * 44100 / 1000 + 1024))
check "latency is said" grep -q " $behind frames behind" client.err
jack_connect system:capture_1 demucs-onnx:in_left >/dev/null 2>&1
jack_connect demucs-onnx:vocals_left system:playback_1 >/dev/null 2>&1
for ((i = 0; i < 50; i++)); do
    jack_lsp -l demucs-onnx:vocals_left 2>/dev/null >lsp
    grep -q "capture latency = \[ [0-9]* $((behind + 1024)) \]" lsp && break
    sleep 0.1
done
check "latency is reported: $(tr '\n' ' ' <lsp)" test $i -lt 50
sleep 1
kill -INT $client
ends 0
check "statistics" grep -Eq '"frames": [1-9][0-9]*, "samplerate": 44100' client.out

# A song through the client is what the command gives through a pipe, bit for
# bit, as late as is said. What came before the song is silence of unknown
# length. Where within a hop (eight blocks) the song begins decides about the
# windows, all of it about the level, and so about roundings.
player=$DMX_BUILD/tests/dmx_jack_player
raw=f32le,44100,2
hop=0.18575963718820862 # 8192 frames
python3 - >song.f32 <<'PYTHON'
import math, struct, sys
for i in range(80000):
    t = i / 44100
    a = 0.3 * math.sin(6.283 * 220 * t) * math.exp(-4 * (t % 0.5))
    b = 0.2 * math.sin(6.283 * (80 + 40 * t) * t)
    sys.stdout.buffer.write(struct.pack("<2f", a + b, a - b))
PYTHON
cat >compare.py <<'PYTHON'
"""compare.py WANT SKIP RECORDED BEHIND: the largest difference of two files of
eight channels, WANT from frame SKIP on, RECORDED from BEHIND on; and the peak."""
import array, sys
def read(path, frame):
    all = array.array("f")
    with open(path, "rb") as f:
        all.frombytes(f.read())
    return all[8 * frame:]
want = read(sys.argv[1], int(sys.argv[2]))
got = read(sys.argv[3], int(sys.argv[4]))
n = min(len(want), len(got))
print(max(abs(a - b) for a, b in zip(want[:n], got[:n])),
      max(map(abs, got[:n])), n // 8)
PYTHON
names=
for stem in drums bass other vocals; do
    names+=" demucs-onnx:${stem}_left demucs-onnx:${stem}_right"
done
record() { # BEHIND
    "$player" song.f32 recorded.f32 $((80000 + $1)) demucs-onnx:in_left \
        demucs-onnx:in_right - $names >player.out 2>player.err
}
# differs LEAD BEHIND LEAST: from what the command gives after that much silence.
differs() {
    { head -c $(($1 * 8)) /dev/zero; cat song.f32; } |
        "$DEMUCS_ONNX" stream -q -m "$MODEL" --raw $raw --hop $hop \
            --segment 0.5 --lookahead 0.04 --fade 0.01 >want.f32 2>>want.err
    python3 compare.py want.f32 $1 recorded.f32 $2 >difference
    awk -v least=$3 '{ exit $1 <= least * $2 && $2 > 0.1 && $3 == 80000 }' \
        difference
}
# matches BLOCK BEHIND
matches() {
    local lead=0 most
    most=$(($(grep -o '"frames": [0-9]*' client.out | grep -o '[0-9]*$') - 80000 - $2))
    while differs $lead $2 1e-3; do
        lead=$((lead + $1))
        [ $lead -lt 8192 ] || { echo "no lead matches"; return 1; }
    done
    for ((lead += (most - lead) / 8192 * 8192; lead >= 0; lead -= 8192)); do
        differs $lead $2 0 || return 0
        echo "lead $lead: off by $(cat difference)"
    done
    return 1
}
late() { grep -o '"late_frames": [0-9]*' client.out | grep -o '[0-9]*$'; }
behind=$(((1764 + 8192 + 441 + 8192) + 1024))
if [ ! -x "$player" ]; then
    echo "no player for JACK here: no song goes through the client"
else
    for attempt in 1 2 3; do # a busy machine is late, and silent then
        begin --json --hop $hop
        record $behind || cat player.err
        kill -INT $client
        ends 0
        [ "$(late)" = 0 ] && break
    done
    if [ "$(late)" = 0 ]; then
        check "the song's stems, bit for bit" matches 1024 $behind
    else
        echo "this machine is too busy: the client was late three times"
    fi

    # Blocks that become larger: as late as is said again.
    begin --json --hop $hop
    jack_bufsize 2048 >/dev/null 2>&1
    for ((i = 0; i < 100; i++)); do
        grep -q 'blocks have 2048 frames' client.err && break
        sleep 0.1
    done
    check "larger blocks are said" grep -q \
        "2048 frames now: $((behind + 1024)) behind" client.err
    record $((behind + 1024)) || cat player.err
    kill -INT $client
    ends 0
    if [ "$(late)" = 0 ]; then
        check "stems in larger blocks" matches 2048 $((behind + 1024))
    fi
    jack_bufsize 1024 >/dev/null 2>&1

    kill $server
    wait $server

    # Blocks that a server leaves out, which waits for no client.
    serve 44100
    begin --json --hop $hop
    "$player" song.f32 recorded.f32 1000000 demucs-onnx:in_left \
        demucs-onnx:in_right - $names >player.out 2>player.err &
    sleeper=$!
    sleep 1
    kill -STOP $sleeper
    sleep 1
    kill -KILL $sleeper
    wait $sleeper 2>/dev/null
    kill -INT $client
    ends 0
    check "xruns are counted" grep -Eq '"xruns": [1-9]' client.out

    # A client that is killed leaves the server and others as they are.
    begin
    kill -KILL $client
    ends 137
    begin
    check "again a client after one that was killed" grep -q 'Ctrl-C ends' \
        client.err
    kill -TERM $client # a server that still misses the other may hold it up
    wait $client
    code=$?
    client=
    check "ends as it is told: $code" test $code = 0 -o $code = 130
fi

begin --stem no_vocals --hop 0.3
check "one stem" test "$(jack_lsp 2>/dev/null | grep -c '^demucs-onnx:')" = 4
check "named as asked" test "$(jack_lsp 2>/dev/null |
    grep -c '^demucs-onnx:no_vocals_')" = 2
kill $server
wait $server
server=
ends 1
check "a server that goes" grep -q 'the JACK server has gone' client.err
finish
