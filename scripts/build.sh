#!/bin/bash
# build.sh [--faultpoints]: builds the page when its sources have changed, and the
# programs into bin/. With --faultpoints also kioskd with fault points, into
# bin/faultpoints/.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mkdir -p "$stamps"
exec 9>"$stamps/lock"
flock 9

page_sources() {
	find kiosk-ui \( -path kiosk-ui/node_modules -o -path kiosk-ui/dist -o -path kiosk-ui/e2e -o -path kiosk-ui/test \) -prune \
		-o -type f ! -name '*.go' -print0
}
want=$(page_sources | hash_files)
if [ "$(cat "$stamps/page" 2>/dev/null)" != "$want" ] || ! [ -e kiosk-ui/dist/index.html ]; then
	echo "Building the page"
	rm -f "$stamps/page"
	(cd kiosk-ui && npm run --silent build)
	touch kiosk-ui/dist/.gitkeep # the folder must be there for Go before its first build
	echo "$want" >"$stamps/page"
fi

version=$(git -c safe.directory='*' describe --always --dirty 2>/dev/null || echo unknown)
mkdir -p bin
go build -trimpath -ldflags "-X main.Version=$version" -o bin/ "${programs[@]}"
if [ "${1:-}" = --faultpoints ]; then
	mkdir -p bin/faultpoints
	go build -trimpath -tags faultpoints -ldflags "-X main.Version=$version-faultpoints" -o bin/faultpoints/ "${fault_programs[@]}"
	for p in "${programs[@]}"; do
		name=$(basename "$p")
		[ -e "bin/faultpoints/$name" ] && ! [ -L "bin/faultpoints/$name" ] || ln -sfn "../$name" "bin/faultpoints/$name"
	done
fi
