# The checks of source that need nothing to be built; each is one function that
# prints what is wrong. Sourced by lint.sh and test.sh.

check_vet() {
	# shellcheck disable=SC2046 # one word for each package
	go vet $(packages) && go vet -tags faultpoints $(packages -tags faultpoints)
}

check_staticcheck() {
	# shellcheck disable=SC2046
	go tool staticcheck $(packages) && go tool staticcheck -tags faultpoints $(packages -tags faultpoints)
}

check_format() {
	local wrong
	wrong=$(go_files | xargs -0 gofmt -l) || return 1
	if [ -n "$wrong" ]; then
		printf 'not formatted (gofmt -w puts it right):\n%s\n' "$wrong"
		return 1
	fi
}

check_rooms() { go test -count=1 ./provisioning/rooms; }

# Generated files are checked in; a fresh run must give the same. The tree is put
# back as it was, so that a check changes nothing.
check_generated() {
	local keep files file bad=0
	keep=$(mktemp -d) || return 1
	mapfile -d '' -t files < <(
		find . \( -name node_modules -o -name .git -o -path ./var -o -path ./bin -o -path ./kiosk-ui/dist \) -prune \
			-o -type f \( -name '*.gen.go' -o -name '*.gen.ts' \) -print0
	)
	if [ ${#files[@]} = 0 ]; then
		echo "no generated file was found: the search is wrong"
		return 1
	fi
	cp --parents -p "${files[@]}" "$keep" || return 1
	if scripts/gen.sh; then
		for file in "${files[@]}"; do
			if ! diff -u "$keep/$file" "$file"; then
				echo "$file is not what its source gives (make gen puts it right)"
				bad=1
			fi
		done
	else
		bad=1
	fi
	cp -rp "$keep/." . && rm -r "$keep"
	return "$bad"
}
