#!/bin/bash
# units.sh: what must hold of the units, on a staged installation of the programs as
# they were built, and that the device process does its work without a network. No
# service manager need run here. The last lines are the figures.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
DESTDIR=$stage scripts/install.sh
units=$stage/usr/lib/systemd/system

# Whatever the units name of the system itself is there in the stage as well.
cp -rn /usr/lib/systemd/system/. "$units/"
for p in /usr/bin/systemctl /usr/sbin/pcscd /usr/lib/systemd; do
	[ ! -e "$p" ] || { mkdir -p "$stage${p%/*}" && cp -rn "$p" "$stage$p"; }
done
ln -sfn usr/lib "$stage/lib"
ln -sfn usr/bin "$stage/bin"
ln -sfn usr/sbin "$stage/sbin"

ours=()
for u in systemd/*.service systemd/*.socket systemd/*.timer; do ours+=("${u##*/}"); done
verified=$(systemd-analyze verify --man=no --recursive-errors=no --root="$stage" "${ours[@]}" 2>&1) ||
	fail "$verified" "systemd-analyze verify refuses the units"
[ -z "$verified" ] || fail "$verified" "systemd-analyze verify has something to say"
echo "${#ours[@]} units: systemd-analyze verify has nothing to say"

# The address of the screen stands in two places.
listen=$(sed -n 's/^ListenStream=//p' systemd/kioskd.socket)
grep -qxF "listen = \"$listen\"" daemon/config/kioskd.sample.toml ||
	fail "kioskd.socket opens $listen, and the sample of the configuration has another address"

# A program for a cabinet has no fault points: no tag, no code, no word of it.
tags=$(go version -m bin/kioskd | sed -n 's/.*-tags=//p')
if [[ $tags == *faultpoints* ]]; then fail "bin/kioskd is built with the tag faultpoints"; fi
if go tool nm bin/kioskd | grep -E 'faultpoint\.(init|.*Hit|.*Turn|.*Planted|Names|Plant|SetHook)' >&2; then
	fail "bin/kioskd has code of fault points"
fi
if grep -aq KIOSK_FAULTPOINT bin/kioskd; then fail "bin/kioskd knows KIOSK_FAULTPOINT"; fi
echo "bin/kioskd has no fault points"

go run ./proof/activation --bin-dir bin --units systemd

# With the pattern of a cabinet's own networks, as it will be in service.
install -D -m 644 systemd/kiosk-uplink.service.d/central.conf.sample "$units/kiosk-uplink.service.d/central.conf"
bad=0
exposure() { # UNIT TENTHS: at most so much
	local out rc=0 figure
	out=$(systemd-analyze security --offline=true --no-pager --root="$stage" --threshold="$2" "$1") || rc=$?
	figure=$(sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\) .*/\1/p' <<<"$out")
	if ((rc != 0)) || [ -z "$figure" ]; then
		grep '✗' <<<"$out" >&2 || true
		bad=1
	fi
	echo "exposure of $1: ${figure:-unknown} (limit $(($2 / 10)).$(($2 % 10)))"
}
exposure kioskd.service 5
exposure kiosk-uplink.service 15
exit "$bad"
