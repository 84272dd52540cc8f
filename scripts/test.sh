#!/bin/bash
# test.sh [--all]: everything that must hold. Each step tells whether it passed and
# how long it took; a failed one shows the end of its log, and the whole of it is in
# var/test. What failed is told once more at the end. The last line is "N passed, N
# failed", where each Go package counts as one and each other step too.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

all=${1:-}
# The page's browser tests look at more then.
[ "$all" != --all ] || export KIOSK_ALL=1
began=$SECONDS
passed=0
failed=0
steps=0
beside= # process group of the step that runs while others do
logs=var/test
rm -rf "$logs"
mkdir -p "$logs"

finish() {
	cat "$logs"/*.failed 2>/dev/null || true
	printf 'time: %d min %02d s\n' $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60))
	echo "$passed passed, $failed failed"
	exit $((failed > 0))
}
interrupted() {
	echo "interrupted"
	[ -z "$beside" ] || kill -- "-$beside" 2>/dev/null || true
	failed=$((failed + 1))
	finish
}
export NO_COLOR=1 FORCE_COLOR=0 # the logs are read as text
trap interrupted INT TERM

# failures LOG: the tests that failed in it and what they say, without stacks; nothing
# where no test says so (TAP of node --test, go test, vitest).
failures() {
	awk '
		/^ *not ok / { tap = 1 }
		tap && /^ *(stack:|\.\.\.)/ { tap = 0 }
		/^# Subtest:/ { tap = 0 }
		/^(=== RUN|=== NAME|ok  \t|PASS)/ { go = 0 }
		/^ *--- FAIL|^panic:|^WARNING: DATA RACE/ { go = 12 }
		/^FAIL\t/ || / FAIL  / { print; next }
		tap || go > 0 { print; go-- }
	' "$1" | grep -Ev '^ *(---$|FAIL$|duration_ms:|type:|failureType:|code:|name:|operator:)' | cut -c1-400 | head -n 60 || true
}

# step NAME COMMAND...: one check with a log of its own. Lines of "go test" in the
# log count each package.
step() {
	local name=$1 start=$SECONDS log good=0 bad=0 status=0
	shift
	steps=$((steps + 1))
	log=$logs/$(printf '%02d' "$steps")-${name//[^a-z0-9]/-}.log
	printf '%-44s' "$name"
	"$@" >"$log" 2>&1 </dev/null || status=$?
	good=$(grep -Ec $'^ok  \t' "$log" || true)
	bad=$(grep -Ec $'^FAIL\t' "$log" || true)
	if ((status != 0 && bad == 0)); then
		bad=1
	elif ((status == 0 && good == 0)); then
		good=1
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
	if ((status == 0 && bad == 0)); then
		printf 'ok    %4d s\n' $((SECONDS - start))
	else
		printf 'FAIL  %4d s\n' $((SECONDS - start))
		tail -n 120 "$log" | sed 's/^/    /'
		echo "    (all of it: $log)"
		{ echo "failed: $name" && failures "$log" | sed 's/^/    /'; } >"${log%.log}.failed"
	fi
}

# beside NAME COMMAND...: a step that runs while the next ones do, because much of its
# time or of theirs is waiting; "joined" waits for it and tells how it went.
beside() {
	steps=$((steps + 1))
	set -m # a group of its own, which can be ended as a whole
	(
		passed=0 failed=0
		step "$@"
		echo "$passed $failed" >"$logs/beside.counts"
	) >"$logs/beside.out" 2>&1 &
	beside=$!
	set +m
}
joined() {
	local good=0 bad=1
	if wait "$beside"; then
		read -r good bad <"$logs/beside.counts"
	fi
	beside=
	cat "$logs/beside.out"
	passed=$((passed + good))
	failed=$((failed + bad))
}

# With -short a test of many like cases takes a few of them, all of them being walked
# without the detector by fault_tests.
# The rules of the repository are a step of their own, and read text in one goroutine.
race_tests() {
	local short=-short
	[ "$all" != --all ] || short=
	# shellcheck disable=SC2046,SC2086 # one word for each package, none for no flag
	go test -race -vet=off $short -p 3 -count=1 -timeout 20m $(packages | grep -v /provisioning/rooms$)
}

# Packages whose tests differ in a build with fault points, or are longer than -short.
fault_packages() {
	grep -rl --include='*_test.go' 'testing\.Short()' daemon drivers proof provisioning |
		xargs -n1 dirname | sort -u | sed 's,^,./,' | xargs go list -f '{{.Dir}}'
	comm -13 <(go list -f '{{.Dir}} {{.TestGoFiles}} {{.XTestGoFiles}}' $(packages) | sort) \
		<(go list -tags faultpoints -f '{{.Dir}} {{.TestGoFiles}} {{.XTestGoFiles}}' $(packages -tags faultpoints) | sort) | cut -d' ' -f1
}
fault_tests() {
	local dirs
	mapfile -t dirs < <(fault_packages | sort -u)
	if [ ${#dirs[@]} = 0 ]; then
		echo "no test with fault points was found: the search is wrong"
		return 1
	fi
	go test -tags faultpoints -count=1 -timeout 10m "${dirs[@]}"
}

page() { (cd kiosk-ui && npm run --silent "$@"); }

# A share of the campaign with a seed that nobody has seen; the seed is in the log
# and in the name of the step, so that a failure can be had again.
seed=${CRASH_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}

if ! scripts/setup.sh test; then
	failed=1
	finish
fi
. scripts/checks.sh

step "build" scripts/build.sh --faultpoints
step "vet" check_vet
step "staticcheck" check_staticcheck
step "format" check_format
step "rules of the repository" check_rooms
step "generated code is up to date" check_generated
step "go tests with race detector" race_tests
step "go tests with fault points" fault_tests
step "page: types" page typecheck
step "page: unit tests" page test
step "page: stage in the browser" page test:stage
step "page: terminal in the browser" page test:terminal
beside "crash campaign, share, seed $seed" scripts/proof.sh crash --share 25s --seed "$seed"
step "units" scripts/proof.sh units
joined
if [ "$all" = --all ]; then
	step "crash campaign, whole" scripts/proof.sh crash
	step "slips read back" scripts/proof.sh check-slip
	step "fuzzing" scripts/fuzz.sh
	step "from note to screen" scripts/proof.sh bench-note
	step "idle terminal" scripts/proof.sh bench-idle
	step "sign-in and signature" scripts/proof.sh bench-card
	# The daemon's memory is closed to everybody but root.
	[ "$(id -u)" != 0 ] || step "a PIN is nowhere" scripts/proof.sh test-secrets
	step "start" scripts/proof.sh bench-start
	step "each loop stopped in turn" scripts/proof.sh watchdog
fi
finish
