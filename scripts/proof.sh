#!/bin/bash
# proof.sh NAME [ARGS...]: runs one of the proofs of the whole product.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

name=${1:-}
shift || true
case $name in
crash) # every fault point, every frame, every row of the recovery tables, the mutants
	scripts/setup.sh run
	case " $* " in
	*" --share "*) ;; # the simulator's part only
	*)
		scripts/build.sh --faultpoints
		set -- --bin-dir bin/faultpoints "$@"
		;;
	esac
	exec go run -tags faultpoints ./proof/crash "$@"
	;;
check-slip)
	scripts/setup.sh test
	scripts/build.sh
	exec go run ./proof/slip "$@"
	;;
units) # the last lines are the figures
	scripts/setup.sh test
	scripts/build.sh
	scripts/units.sh
	;;
watchdog)
	scripts/setup.sh run
	scripts/build.sh --faultpoints
	exec go run ./proof/watchdog --bin-dir bin/faultpoints "$@"
	;;
bench-note | bench-idle | bench-card | bench-start) # on the programs as they are
	scripts/setup.sh test
	scripts/build.sh
	exec go run "./proof/${name/bench-/bench}" --bin-dir bin "$@"
	;;
test-secrets)
	scripts/setup.sh test
	scripts/build.sh
	[ "$(id -u)" = 0 ] || fail "Run this as root: the daemon's memory is closed to everybody else, and is to be searched."
	cd kiosk-ui
	exec node e2e/secrets.js "$(cd .. && pwd)/bin"
	;;
*) fail "proof.sh: which one? crash, units, watchdog, check-slip, test-secrets, bench-note, bench-idle, bench-card or bench-start" ;;
esac
