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
serve() { # RATE
    export JACK_DEFAULT_SERVER=dmx-$1-$$
    jackd -r -n "$JACK_DEFAULT_SERVER" -d dummy -r "$1" -p 1024 >jackd.log 2>&1 &
    server=$!
    jack_wait -s "$JACK_DEFAULT_SERVER" -w -t 20 >wait.log 2>&1 && return
    echo "jackd does not start here: the client is not tested with a server"
    finish
}
begin() { # ARGUMENT...: a client with ports
    "$DEMUCS_ONNX" stream -m "$MODEL" --jack --hop 0.3 --lookahead 0.04 \
        --fade 0.01 "$@" >client.out 2>client.err &
    client=$!
    for ((i = 0; i < 200; i++)); do
        grep -q 'Ctrl-C ends' client.err && break
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

serve 44100
begin --json
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

begin --stem no_vocals
check "one stem" test "$(jack_lsp 2>/dev/null | grep -c '^demucs-onnx:')" = 4
check "named as asked" test "$(jack_lsp 2>/dev/null |
    grep -c '^demucs-onnx:no_vocals_')" = 2
kill $server
wait $server
server=
ends 1
check "a server that goes" grep -q 'the JACK server has gone' client.err
finish
