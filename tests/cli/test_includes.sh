# The dependency law of docs/design.md, on every include of src/.
source "$(dirname "$0")/helpers.sh"
cd "$SOURCE/src" || exit 1

# The program uses the public header alone; the usual export, which `bench`
# measures, is linked alongside the library.
for include in $(grep -ho '^#include "[^"]*"' cli/* |
    sed 's/.*"\(.*\)"/\1/' | sort -u); do
    [ "$include" = demucs_onnx.h ] && continue
    [ "$include" = usual/offer.h ] && continue
    check "src/cli includes $include" test -f "cli/$include"
done

# "folder: what it may include", in order.
sed -n '/^```law/,/^```/p' "$SOURCE/docs/design.md" | grep : >"$WORK/law"
check "docs/design.md has the law" test "$(wc -l <"$WORK/law")" -gt 10
check "every folder has a row" test -z "$(
    find . -name '*.[ch]*' -printf '%P\n' | sed 's|/[^/]*$||' | sort -u |
        while read -r folder; do
            grep -q "^$folder:" "$WORK/law" || echo "$folder"
        done | tee "$WORK/rows")"
cat "$WORK/rows"
check "an arrow of the law that points down" awk -F '[: ]+' '
    { for (i = 2; i <= NF; i++) if ($i != "" && !($i in above)) {
          print $1 " -> " $i; bad = 1 }
      above[$1] }
    END { exit bad }' "$WORK/law"

# "file included-file", without endings: a file and its header are one.
grep -rHo '^#include "[^"]*"' --include='*.[ch]' --include='*.cpp' . |
    sed 's|^\./\([^:]*\)\.[a-z]*:#include "\(.*\)\.[a-z]*"|\1 \2|' |
    awk '$2 == "demucs_onnx" { next }
         $2 !~ "/" { folder = $1; sub("/[^/]*$", "", folder)
                     $2 = folder "/" $2 }
         $1 != $2' | sort -u >"$WORK/edges"
check "includes were found" test "$(wc -l <"$WORK/edges")" -gt 100
check "an include against the law" awk '
    NR == FNR { split($0, row, ": *"); may[row[1]] = " " row[2] " "; next }
    { from = $1; to = $2; sub("/[^/]*$", "", from); sub("/[^/]*$", "", to)
      if (from != to && index(may[from], " " to " ") == 0) {
          print $1 " includes " $2; bad = 1 } }
    END { exit bad }' "$WORK/law" "$WORK/edges"

# Generated headers and tables are leaves.
check "a circle of includes" tsort "$WORK/edges" >/dev/null

# The test can fail.
printf 'base/error cli/main\n' >"$WORK/wrong"
check "a wrong arrow is not seen" test -n "$(awk '
    NR == FNR { split($0, row, ": *"); may[row[1]] = " " row[2] " "; next }
    { from = $1; to = $2; sub("/[^/]*$", "", from); sub("/[^/]*$", "", to)
      if (from != to && index(may[from], " " to " ") == 0) print }' \
    "$WORK/law" "$WORK/wrong")"
finish
