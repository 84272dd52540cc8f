#!/bin/bash
# setup.sh run|test|fresh: checks the languages' versions, installs Debian packages that
# are missing, and the page's npm packages by the lock file. Asks no registry when
# nothing is missing.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

purpose=${1:-run}

need_go() {
	local version
	if ! have go; then
		fail "Go is missing. This needs Go 1.26 or later:" \
			"  unpack it from https://go.dev/dl/ into /usr/local/go, then run make again."
	fi
	version=$(go version)
	if ! [[ $version =~ go([0-9]+)\.([0-9]+) ]] || ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] < 1026)); then
		fail "This Go is too old: $version ($(command -v go))." \
			"  This needs 1.26 or later: put it into /usr/local/go from https://go.dev/dl/, and first on the path."
	fi
}

need_node() {
	local version
	if ! have node || ! have npm; then
		fail "Node or its npm is missing. This needs Node 20 or later with npm:" \
			"  unpack it from https://nodejs.org/en/download into /usr/local, then run make again."
	fi
	version=$(node --version)
	if ! [[ $version =~ ^v([0-9]+)\. ]] || ((BASH_REMATCH[1] < 20)); then
		fail "This Node is too old: $version ($(command -v node))." \
			"  This needs 20 or later: put it first on the path, from https://nodejs.org/en/download."
	fi
}

# Debian packages by purpose, each with the program or file that shows it is there.
# Running a terminal needs a PC/SC daemon with virtual readers and, to build the
# daemon, its library: the rest is pure Go, and the page is built by npm.
debian_packages() {
	case $purpose in
	run | test) ;;
	fresh)
		echo debootstrap:debootstrap # makes a minimal Debian
		echo iproute2:ip
		return
		;;
	*) fail "setup.sh: what for? run, test or fresh" ;;
	esac
	echo pcscd:/usr/sbin/pcscd      # the card readers' daemon
	echo vsmartcard-vpcd:/usr/lib/pcsc/drivers/serial/libifdvpcd.so
	echo libpcsclite-dev:/usr/include/PCSC/winscard.h
	echo pkg-config:pkg-config      # finds that library
	echo gcc:gcc                    # that library is C; so is the race detector
	echo libc6-dev:/usr/include/stdlib.h
	[ "$purpose" = test ] || return 0
	echo chromium:chromium          # the browser of the page's tests
	echo zbar-tools:zbarimg         # reads the codes on slips
	echo netpbm:pnmtopng            # reads and compares pictures of slips
	echo libharfbuzz-bin:hb-shape   # shapes text, to compare with ours
	echo libfribidi-bin:fribidi     # orders text, to compare with ours
	echo opensc:opensc-tool         # reads cards and knows nothing of ours
	echo openssl:openssl            # an authority, a signer and a TLS peer that are not ours
	echo systemd:systemd-analyze    # reads the units; nothing of it has to run
}

need_packages() {
	local missing=() line as_root=()
	while read -r line; do
		have "${line#*:}" || missing+=("${line%%:*}")
	done < <(debian_packages)
	((${#missing[@]})) || return 0
	if ! have apt-get; then
		fail "Missing: ${missing[*]} (names of Debian packages)." "  This is no Debian: install them in its own way, then run make again."
	fi
	if [ "$(id -u)" != 0 ]; then
		have sudo || fail "Missing packages: ${missing[*]}." "  Run this as root, then make again:" "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
		as_root=(sudo)
	fi
	echo "Installing ${missing[*]}"
	"${as_root[@]}" apt-get -q update &&
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "${missing[@]}" ||
		fail "These packages could not be installed: ${missing[*]}." "  Run as root: apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
}

# The stamp lies inside the folder it speaks of, so that they go together.
need_node_modules() {
	local stamp=kiosk-ui/node_modules/.installed want
	want=$(node --version | cut -d. -f1)-$(printf '%s\0' kiosk-ui/package-lock.json kiosk-ui/package.json kiosk-ui/.npmrc | hash_files)
	if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
		return
	fi
	echo "Installing the page's packages by the lock file"
	(cd kiosk-ui && npm ci --loglevel=error) ||
		fail "npm ci failed." "  It needs the npm registry the first time and whenever kiosk-ui/package-lock.json changes."
	echo "$want" >"$stamp"
}

need_go
need_node
need_packages
mkdir -p "$stamps"
exec 9>"$stamps/lock"
flock 9
need_node_modules
