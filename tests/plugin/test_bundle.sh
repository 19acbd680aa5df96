# The bundle as hosts see it before they load it: valid by LV2's own schemas,
# its ports in the order of the code, and a module that shows one symbol.
source "$DMX_SOURCE/tests/cli/helpers.sh"
check "one symbol" test "$(nm -D --defined-only "$DMX_MODULE" |
    awk '{ print $3 }' | tr '\n' ' ')" = "lv2_descriptor "
check "no decoder and no network in it" test -z "$(readelf -d "$DMX_MODULE" |
    grep NEEDED | grep -E 'libav|curl|png|soxr' | tee needed)"
for k in 4 6; do
    want="in_left in_right"
    for ((i = 1; i <= k; i++)); do want+=" stem${i}_left stem${i}_right"; done
    for ((i = 1; i <= k; i++)); do want+=" gain$i"; done
    want+=" enabled freewheel latency status load control notify "
    # One plug-in after the other in the file.
    got=$(awk -v k="<urn:demucs-onnx:stems$k>" '
        /^</ { on = $1 == k } on && /lv2:symbol/ { print $2 }' \
        "$DMX_BUNDLE/demucs-onnx.ttl" | tr -d '";' | tr '\n' ' ')
    check "ports of $k: $got" test "$got" = "$want"
done
# Ranges in the description are those of the code.
for name in segment hop lookahead threads precision; do
    text=$(awk -v n="<urn:demucs-onnx:$name>" '/^</ { on = $1 == n }
        on && /lv2:(minimum|maximum|default)/ { printf "%g ", $2 }' \
        "$DMX_BUNDLE/demucs-onnx.ttl")
    code=$(grep -io "\[PLUG_$name\] = {[^}]*}" "$DMX_SOURCE/plugin/settings.c" |
        tr -d 'F,;' | sed 's/.*{\(.*\)}.*/\1/' |
        awk '{ printf "%g %g %g ", $1, $2, $3 }')
    check "range of $name: $text" test "$text" = "$code" -a -n "$text"
done
if command -v lv2_validate >/dev/null && command -v sord_validate >/dev/null
then
    run 0 lv2_validate "$DMX_BUNDLE"/*.ttl
    cat out err >said
    says said 'Found 0 errors'
    sed 's/lv2:index 3 /lv2:index "x" /' "$DMX_BUNDLE/demucs-onnx.ttl" >bad.ttl
    lv2_validate "$DMX_BUNDLE/manifest.ttl" bad.ttl >said 2>&1
    says said 'Found [1-9][0-9]* errors'
else
    echo "no lv2_validate and sord_validate (Debian: lv2-dev, sordi): the" \
        "description is not validated"
fi
if command -v lv2ls >/dev/null; then
    run 0 lv2ls
    says out '^urn:demucs-onnx:stems4$'
    says out '^urn:demucs-onnx:stems6$'
    run 0 lv2info urn:demucs-onnx:stems6
    says out 'Has latency: +yes'
fi
finish
