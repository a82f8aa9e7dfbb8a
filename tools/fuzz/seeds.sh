#!/bin/sh
# Fills the corpora of the fuzz targets from the repository's examples and test configurations.
set -eu
fuzz=$(cd "$(dirname "$0")" && pwd)
root=$fuzz/../..
cd "$fuzz"
mkdir -p corpus/rd corpus/route_target corpus/prefix corpus/prefix_list corpus/scenario corpus/configuration corpus/feed

cp "$root"/examples/*.toml corpus/scenario/
for file in "$root"/tools/config/tests/*/*.c*; do
    cp "$file" "corpus/configuration/$(basename "$(dirname "$file")")-$(basename "$file")"
done

# Writes every line of the standard input to a file of its own in the folder $1.
each() {
    sort -u | awk -v folder="$1" '{ file = folder "/seed-" NR; printf "%s", $0 > file; close(file) }'
}
texts="$root/examples $root/tools/config/tests"
grep -rhoE '\b[0-9.]+L?:[0-9]+\b' $texts | each corpus/rd
cp corpus/rd/seed-* corpus/route_target/
grep -rhoE '\b[0-9a-f.:]+/[0-9]+\b' $texts | each corpus/prefix
# The first byte of this target's inputs says how many bytes come at a time.
{ printf 'A'; grep -rhoE '\b[0-9a-f.:]+/[0-9]+\b' $texts; } > corpus/prefix_list/prefixes
{ printf '\001'; grep -rhoE '\b[0-9a-f.:]+/[0-9]+\b' $texts | sed 's/$/ 192.0.2.1/'; } > corpus/prefix_list/next-hops
# The first byte of this target's inputs says what is done with the rest: as it is, as a stream, or as both.
for file in "$root"/tools/cli/tests/cli/files/*.json; do
    { printf '\000'; cat "$file"; } > "corpus/feed/$(basename "$file")"
done
