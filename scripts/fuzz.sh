#!/bin/bash
# fuzz.sh: fuzzes every parser of the module, each for FUZZTIME.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
scripts/setup.sh run

found=0
while IFS=: read -r file name; do
	found=$((found + 1))
	echo "== $name in ${file%/*}"
	go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-10s}" "${file%/*}"
done < <(go_files | xargs -0 grep -Eo '^func Fuzz[A-Za-z0-9_]*' | grep '_test\.go:' | sed 's/:func /:/' | sort)
((found)) || fail "no fuzz target was found: the search is wrong"
echo "$found parsers, nothing found."
