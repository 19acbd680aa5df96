# A real host with a session: jalv on JACK without a sound card. The session
# names the model next to it by a relative path, as hosts store paths.
source "$DMX_SOURCE/tests/cli/helpers.sh"
for tool in jackd jalv jack_lsp jack_wait; do
    command -v $tool >/dev/null && continue
    echo "no $tool here: the plug-in in a JACK host is not tested"
    exit 77
done
export JACK_DEFAULT_SERVER=dmx$$ JACK_NO_START_SERVER=1
jackd -r -n "$JACK_DEFAULT_SERVER" -d dummy -r 44100 -p 1024 >jackd.log 2>&1 &
server=$!
host=
stop() {
    [ -n "$host" ] && kill "$host" 2>/dev/null
    kill $server 2>/dev/null
    wait
    rm -rf "$WORK"
}
trap stop EXIT
if ! jack_wait -s "$JACK_DEFAULT_SERVER" -w -t 20 >wait.log 2>&1; then
    echo "jackd does not start here: the plug-in in a JACK host is not tested"
    exit 77
fi

mkdir session
cp "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th session/model.th
cat >session/state.ttl <<END
@prefix atom: <http://lv2plug.in/ns/ext/atom#> .
@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix pset: <http://lv2plug.in/ns/ext/presets#> .
@prefix state: <http://lv2plug.in/ns/ext/state#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<> a pset:Preset ;
    lv2:appliesTo <urn:demucs-onnx:stems4> ;
    state:state [
        <urn:demucs-onnx:model> "model.th"^^atom:Path ;
        <urn:demucs-onnx:hop> "0.25"^^xsd:float
    ] .
END
jalv -t -p -i -n split -l session urn:demucs-onnx:stems4 >jalv.log 2>&1 &
host=$!
for ((i = 0; i < 200; i++)); do
    jack_lsp 2>/dev/null | grep -q '^split:stem4_right' && break
    kill -0 $host 2>/dev/null || break
    sleep 0.1
done
# Lookahead, hop, crossfade, a hop for the run, and a block of 1024 frames.
behind=$(((40 + 250 + 10 + 250) * 44100 / 1000 + 1024))
check "the session's model is loaded" \
    grep -q "4 stems, $behind frames behind" jalv.log
check "its ports are there" test "$(jack_lsp 2>/dev/null |
    grep -c '^split:stem[1-4]_\(left\|right\)\|^split:in_\(left\|right\)')" = 10
sleep 2
check "the host lives" kill -0 $host
kill -TERM $host
wait $host
code=$?
host=
check "and ends as it is told: $code" test $code = 0 -o $code = 143
[ "$failures" = 0 ] || cat jalv.log
finish
