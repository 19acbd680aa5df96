# What packages are made of, without making them: scripts/test-packages.sh does.
source "$(dirname "$0")/helpers.sh"
P=$SOURCE/packaging

# ------------------------------------------------------ version and soname
version=$("$DEMUCS_ONNX" --version | sed 's/^demucs-onnx //')
(cd "$SOURCE" && source packaging/version.sh &&
    echo "$VERSION $SOVERSION") >numbers
check "one version" test "$(cut -d ' ' -f 1 numbers)" = "$version"
BUILD=${DMX_BUILD:-$(dirname "$DEMUCS_ONNX")}
soname=$(readelf -d "$BUILD/libdemucs-onnx.so" |
    sed -n 's/.*SONAME.*\[libdemucs-onnx\.so\.\(.*\)\]/\1/p')
check "one soname" test "$(cut -d ' ' -f 2 numbers)" = "$soname"
check "npm's package has it" grep -qF "\"version\": \"$version\"" \
    "$SOURCE/web/package/package.json"
check "no other number in a package's files" test -z "$(grep -rnF "$version" \
    "$P" "$SOURCE"/scripts/{dist,deb,recipes,aarch64,test-packages}.sh)"

# ------------------------------------- source archive, twice, in two folders
run 0 "$SOURCE/scripts/recipes.sh" one
cp -r one first
name=demucs-onnx-$version
tar -xzf "one/$name.tar.gz"
check "whole" test -s "$name/src/cli/main.c" -a -s "$name/cmake/install.cmake"
check "no tests' data" test ! -e "$name/tests"
run 0 "$P/check-weights.sh" "$name"
mkdir -p else
cp -r "$name" else/where
cp -r "$SOURCE/scripts" else/where
epoch=$(cd "$SOURCE" && source packaging/version.sh && echo "$SOURCE_DATE_EPOCH")
run 0 env SOURCE_DATE_EPOCH="$epoch" GIT_DIR=/nonexistent \
    else/where/scripts/recipes.sh two
check "the same bytes from another folder" \
    cmp "one/$name.tar.gz" "two/$name.tar.gz"
touch else/where/src/cli/another.c
run 0 env SOURCE_DATE_EPOCH="$epoch" GIT_DIR=/nonexistent \
    else/where/scripts/recipes.sh three
check "other bytes of another source" \
    test "$(cmp -s "one/$name.tar.gz" "three/$name.tar.gz"; echo $?)" = 1

run 0 "$SOURCE/scripts/recipes.sh" there https://HOST/PATH/source.tar.gz \
    https://HOST/home
for recipe in PKGBUILD demucs-onnx.rb demucs-onnx.nix; do
    check "$recipe: where it lies" test "$(grep -c -F -e "https://HOST/home" \
        -e "https://HOST/PATH/source.tar.gz" "there/$recipe")" = 2
done

# Weights are detected by name and by content.
for file in "$DMX_TEST_DATA"/demo/htdemucs_tiny-*.th \
    "$DMX_TEST_DATA"/safetensors/*.safetensors; do
    rm -rf hidden
    mkdir hidden
    cp "$file" hidden/readme.txt
    run 1 "$P/check-weights.sh" hidden
done
rm -rf hidden && mkdir hidden && echo '{}' >hidden/x.onnx
run 1 "$P/check-weights.sh" hidden

# ------------------------------------------------------------------- recipes
sum=$(sha256sum <"one/$name.tar.gz" | cut -c 1-64)
for recipe in PKGBUILD demucs-onnx.rb demucs-onnx.nix; do
    check "$recipe: checksum" grep -q "$sum" "one/$recipe"
    check "$recipe: version or archive" grep -q "$version" "one/$recipe"
    check "$recipe: filled" test -z "$(grep @ "one/$recipe" |
        grep -E '@[A-Z0-9]+@')"
done
! command -v ruby >/dev/null || run 0 ruby -wc one/demucs-onnx.rb
! command -v nix-instantiate >/dev/null ||
    run 0 nix-instantiate --parse one/demucs-onnx.nix
run 0 bash -n one/PKGBUILD

# Their dependencies are those that the build lists for that system.
words() { tr -s ' \n' '\n\n' | grep . | sort -u; }
listed() { # VARIABLE of install-deps.sh, without what only tests need
    sed -n "s/^$1=\"\(.*\)\"/\1/p" "$SOURCE/scripts/install-deps.sh" | words |
        grep -vE "^(cmocka|gcc|make|zlib)$"
}
sed -n 's/^ *depends_on "\([^"]*\)".*/\1/p' one/demucs-onnx.rb | words >brew
listed brew_packages >brew.wanted
check "Homebrew: $(diff brew.wanted brew | tr '\n' ' ')" \
    cmp -s brew.wanted brew
(source one/PKGBUILD && echo "${depends[@]}" "${makedepends[@]}") | words >arch
listed pacman_packages >arch.wanted
check "Arch: $(diff arch.wanted arch | tr '\n' ' ')" cmp -s arch.wanted arch

# ------------------------------------------------- Dockerfile, debian/control
cat >check.py <<'PY'
import re
import sys

dockerfile, control = (open(name).read() for name in sys.argv[1:])
steps = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", dockerfile))
steps = [line.split(None, 1) for line in steps.splitlines() if line.strip()]
known = {"FROM", "RUN", "COPY", "USER", "ENV", "WORKDIR", "HEALTHCHECK",
         "ENTRYPOINT", "CMD"}
assert {word for word, _ in steps} <= known, steps
stages = [n for n, (word, _) in enumerate(steps) if word == "FROM"]
assert len(stages) == 2, "two stages"
last = steps[stages[1]:]
words = [word for word, _ in last]
user = next(rest for word, rest in last if word == "USER")
assert int(user) > 0 and words.index("USER") < words.index("ENTRYPOINT")
assert "HEALTHCHECK" in words
assert all("RUN" != word for word, _ in last[words.index("USER"):])
assert "deb.sh" in steps[stages[1] - 1][1]
for tag in (steps[n][1].split()[0] for n in stages):
    assert re.fullmatch(r"debian:\d+-slim", tag), tag
install = next(rest for word, rest in steps if word == "RUN")
have = set(re.findall(r"--no-install-recommends (.*)", install)[0].split())
wanted = re.search(r"Build-Depends:(.*?)\n\S", control, re.S).group(1)
wanted = {w.split()[0] for w in wanted.replace("\n", " ").split(",")}
wanted = wanted - {"debhelper-compat"} | {"debhelper"}
tools = {"build-essential", "fakeroot"}  # dpkg-buildpackage asks for it
assert have == wanted | tools, have ^ (wanted | tools)
PY
run 0 python3 check.py "$P/docker/Dockerfile" "$P/debian/control.in"
sed 's/^USER.*/USER 0/' "$P/docker/Dockerfile" >Dockerfile
run 1 python3 check.py Dockerfile "$P/debian/control.in"
sed -n '/^Build-Depends/,/^Standards/p' "$P/debian/control.in" |
    grep -oE '\blib[a-z0-9-]+-dev|protobuf-c-compiler|ninja-build' | sort >asked
sed -n '/^apt_packages=(/,/^)/p' "$SOURCE/scripts/install-deps.sh" |
    tr -s ' ' '\n' | sort >given
check "packages that install-deps.sh does not install: $(comm -23 asked given)" \
    test -z "$(comm -23 asked given)"

# ---------------------------------------------------------------------- SBOM
mkdir -p tree/lib
echo library >tree/lib/libother.so.1
printf 'lib/libother.so.1\tother\t1.2\tMIT\tSource of other\n' >components.tsv
bill() { SOURCE_DATE_EPOCH=$1 python3 "$P/sbom.py" 1.0 components.tsv tree; }
bill 1000000000 >one.json
bill 1000000000 >two.json
check "the same twice" cmp one.json two.json
echo another >tree/lib/libother.so.1
bill 1000000000 >two.json
check "another library, another list" test -n "$(cmp one.json two.json)"
cat >spdx.py <<'PY'
# The fields that SPDX 2.3 demands (clauses 6 to 11), and that names resolve.
import json
import re
import sys

d = json.load(open(sys.argv[1]))
assert d["spdxVersion"] == "SPDX-2.3" and d["dataLicense"] == "CC0-1.0"
assert d["SPDXID"] == "SPDXRef-DOCUMENT" and d["name"]
assert re.fullmatch(r"https://[^#\s]+", d["documentNamespace"])
assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
                    d["creationInfo"]["created"])
assert d["creationInfo"]["creators"][0].startswith("Tool: ")
ids = ["SPDXRef-DOCUMENT"]
for p in d["packages"]:
    ids.append(p["SPDXID"])
    assert p["name"] and p["downloadLocation"] and not p["filesAnalyzed"]
    assert p["licenseDeclared"] != "NOASSERTION"
for f in d["files"]:
    ids.append(f["SPDXID"])
    assert f["fileName"].startswith("./")
    sums = {c["algorithm"]: c["checksumValue"] for c in f["checksums"]}
    assert re.fullmatch("[0-9a-f]{40}", sums["SHA1"])
    assert re.fullmatch("[0-9a-f]{64}", sums["SHA256"])
assert len(ids) == len(set(ids)), "an identifier twice"
assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", i) for i in ids)
kinds = set()
for r in d["relationships"]:
    assert {r["spdxElementId"], r["relatedSpdxElement"]} <= set(ids), r
    kinds.add(r["relationshipType"])
assert {"DESCRIBES", "DEPENDS_ON", "GENERATED_FROM"} <= kinds
PY
run 0 python3 spdx.py one.json
for list in "$SOURCE"/dist/*.spdx.json; do
    [ ! -e "$list" ] || run 0 python3 spdx.py "$list"
done

# --------------------------------------------- the tarball's check can fail
mkdir -p wrong/bin wrong/lib/demucs-onnx
cp "$DEMUCS_ONNX" wrong/bin/demucs-onnx
run 1 "$P/check-tree.sh" wrong
says err 'libavformat.so.* is not inside'
says err 'no libdemucs-onnx|no lib/libdemucs-onnx.so'
says err 'no include/demucs_onnx.h'
touch wrong/lib/demucs-onnx/libonnxruntime.so
mkdir -p wrong/share/doc/demucs-onnx/licences
echo 'see /usr/share/common-licenses/GPL-2.' \
    >wrong/share/doc/demucs-onnx/licences/other
run 1 "$P/check-tree.sh" wrong
says err 'without the notices of what it contains: protobuf'
says err 'no text of GPL-2, which is referred to'

# ---------------------------------------------------------------- the guide
for target in $(sed -n 's/^make \([a-z0-9-]*\)$/\1/p' "$SOURCE/docs/packages.md"); do
    run 0 make -n -C "$SOURCE" "$target"
done
check "commands of the guide are tried" test \
    "$(grep -c '^```sh ' "$SOURCE/docs/packages.md")" = 6
for word in make tarball deb; do
    check "test-packages.sh runs the blocks called $word" \
        grep -q "block $word" "$SOURCE/scripts/test-packages.sh"
done
if command -v shellcheck >/dev/null; then
    run 0 shellcheck -x -e SC1091,SC2034,SC2154 -P "$SOURCE" \
        "$P"/*.sh "$P"/dist/*.sh \
        "$SOURCE"/scripts/{dist,deb,recipes,aarch64,test-packages,wheel}.sh
fi
finish
