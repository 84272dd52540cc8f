#!/bin/bash
# fresh-person.sh WHAT: what a person does on the fresh machine that fresh.sh made;
# it runs there, in the person's home.
#
#   first    clone, "make run", look, Ctrl-C
#   second   the same once more, where no registry can be reached
#   told     "make setup" without the right to install: it must say what root has to do
#   test     "make test" from a fresh clone
#   do ...   any command
#
# Lines "figure: ..." are what fresh.sh shows at its end.
set -euo pipefail
set -m # Ctrl-C goes to a group of its own, as on a terminal

limit_end=2.0
limit_build=5.0
failed=0

figure() { echo "figure: $*"; }
now() { echo "$EPOCHREALTIME"; }
since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }
# within VALUE LIMIT WHAT
within() {
	if awk -v v="$1" -v l="$2" 'BEGIN { exit !(v <= l) }'; then
		figure "$3 $1 s (limit $2 s)"
	else
		figure "$3 $1 s: OVER THE LIMIT of $2 s"
		failed=1
	fi
}
wrong() {
	figure "WRONG: $*"
	failed=1
}

clone() {
	rm -rf "$1"
	git -c advice.detachedHead=false clone -q /opt/kiosk.bundle "$1"
}

# free_port: one that nobody listens on.
free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 20000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# run_it FLAGS: "make run" until it is ready, a look at its page, Ctrl-C, and a look
# at what is left. WHAT it needed until ready is in ready.
run_it() {
	local flags=$1 log=$HOME/run.log group began ready page left
	: >"$log"
	began=$(now)
	make run RUN_FLAGS="$flags" >"$log" 2>&1 &
	group=$!
	while ! grep -q 'The terminal is ready' "$log"; do
		if ! kill -0 "$group" 2>/dev/null; then
			tail -n 40 "$log"
			wrong "make run ended before it was ready"
			return
		fi
		sleep 0.05
	done
	figure "make run ready after $(since "$began") s"
	page=$(sed -n 's|.*Screen: http://\([0-9.:]*\)/.*|\1|p' "$log")
	exec 3<>"/dev/tcp/${page%:*}/${page#*:}"
	printf 'GET / HTTP/1.0\r\nHost: %s\r\n\r\n' "$page" >&3
	if ! head -n 1 <&3 | grep -q ' 200 '; then
		wrong "the screen's page is not served at $page"
	fi
	exec 3>&-
	sleep 1

	began=$(now)
	kill -INT -- "-$group"
	wait "$group" 2>/dev/null || true # what make says of an interruption is its own affair
	within "$(since "$began")" "$limit_end" "Ctrl-C ended it within"
	left=$(leftovers)
	if [ -n "$left" ]; then
		wrong "left behind: $left"
	else
		figure "nothing left behind: no process, pty or socket"
	fi
}

# leftovers: processes of ours, pseudo-terminals, sockets and links to ptys.
leftovers() {
	local p exe
	for p in /proc/[0-9]*; do
		exe=$(readlink "$p/exe" 2>/dev/null) || continue
		case $exe in */kiosk/bin/* | */usr/local/go/* | *node) echo "process ${p#/proc/} $exe" ;; esac
	done
	find /dev/pts -mindepth 1 ! -name ptmx -printf 'pty %p\n'
	find "$HOME/kiosk/var" /tmp /run \( -type s -o -xtype c -type l \) -printf 'socket or device %p\n' 2>/dev/null
}

case $1 in
first)
	clone kiosk
	cd kiosk
	run_it "--screen-port $(free_port) --bench-port $(free_port)"
	;;
second)
	cd kiosk
	if grep -v -e '|' -e '^ *lo:' /proc/net/dev; then
		wrong "this machine is not without a network"
	fi
	began=$(now)
	make build
	within "$(since "$began")" "$limit_build" "build without a registry"
	run_it ""
	;;
told)
	clone told
	cd told
	for purpose in run test; do
		began=$(now)
		if scripts/setup.sh "$purpose" >"$HOME/told.log" 2>&1; then
			[ "$purpose" = run ] || wrong "make setup needed nothing on a fresh machine"
			figure "set-up for $purpose needs no right to install"
			continue
		fi
		cat "$HOME/told.log"
		line=$(sed -n 's/^ *\(apt-get update && apt-get install .*\)$/\1/p' "$HOME/told.log")
		if [ -z "$line" ]; then
			wrong "set-up for $purpose does not say what root has to do"
		else
			figure "set-up for $purpose says what root has to do"
			[ "$purpose" = test ] || echo "figure-free: $line" # done by fresh.sh, as root
		fi
	done
	cd .. && rm -rf told
	;;
test)
	clone tested
	cd tested
	began=$(now)
	if make test; then
		figure "make test passed in $(since "$began") s, its set-up included"
	else
		wrong "make test failed after $(since "$began") s"
		tail -n 60 var/test/*.log | tail -n 200
	fi
	;;
do) exec "${@:2}" ;;
*)
	echo "fresh-person.sh: what?" >&2
	exit 2
	;;
esac
exit $failed
