#!/bin/bash
# fresh.sh [--test]: shows that "make run", and with --test also "make test", set
# themselves up on a fresh Debian 12: a minimal one is made in var/fresh, with Go
# and Node unpacked to /usr/local as a person would, and a clone of HEAD is run in
# it by root and by an ordinary user, with the registries and without any network.
# What a person does there is fresh-person.sh. The last lines are the figures; it
# ends with 1 when a limit is missed.
#
# Needs root. How the registries are reached (proxies, package sources, npm's and
# Go's settings, certificates) is taken from this machine when it runs.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fresh=$PWD/var/fresh
base=$fresh/root

# enter MACHINE online|offline USER ARGS...: fresh-person.sh on the machine, with
# its own processes and mounts. Offline there is a loopback interface and nothing
# else.
enter() {
	local machine=$1 net=$2 spaces=(--mount --pid --fork --kill-child)
	shift 2
	[ "$net" = online ] || spaces+=(--net)
	unshare "${spaces[@]}" "$BASH" "${BASH_SOURCE[0]}" --inside "$machine" "$net" "$@"
}

# inside is enter's other half: the first process of the new spaces.
inside() {
	local root=$1 net=$2 user=$3 node
	shift 3
	mount --make-rprivate /
	mount --bind "$root" "$root" # a root must be a mount
	[ "$net" = online ] || ip link set lo up
	mount -t proc proc "$root/proc"
	mount -t tmpfs -o mode=755 dev "$root/dev"
	for node in null zero full random urandom tty; do
		touch "$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts"
	mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	mount -t tmpfs -o mode=755 run "$root/run"
	mount -t sysfs -o ro sys "$root/sys"
	# The machine's own root, not a chroot: in that no user may make namespaces
	# (user_namespaces(7)), and no machine is one.
	cd "$root"
	mkdir -p outside
	pivot_root . outside
	cd /
	umount -l /outside
	rmdir /outside
	local home uid
	home=$(sh -c "echo ~$user")
	uid=$(id -u "$user")
	# setpriv is part of Debian's minimum; su would want a terminal for itself.
	exec env -i "${settings[@]}" HOME="$home" USER="$user" LOGNAME="$user" TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		setpriv --reuid="$uid" --regid="$uid" --init-groups --reset-env \
		env "${settings[@]}" HOME="$home" bash -c 'cd && exec bash /opt/person.sh "$@"' person "$@"
}

# settings: how this machine reaches the registries, as environment.
settings=()
for name in http_proxy https_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY SSL_CERT_FILE NODE_EXTRA_CA_CERTS; do
	[ -z "${!name:-}" ] || settings+=("$name=${!name}")
done
for name in GOPROXY GOSUMDB GONOSUMDB GONOPROXY GOPRIVATE GOINSECURE; do
	value=$(go env "$name")
	[ -z "$value" ] || settings+=("$name=$value")
done

if [ "${1:-}" = --inside ]; then
	shift
	inside "$@"
fi

tests=
[ "${1:-}" != --test ] || tests=yes
[ "$(id -u)" = 0 ] || fail "fresh.sh makes a Debian of its own, which needs root." "  Run: sudo make fresh"
scripts/setup.sh fresh
if [ -n "$(git -c safe.directory='*' status --porcelain)" ]; then
	echo "Note: what is tried is HEAD, without what is not committed."
fi

# The minimal Debian is kept; "rm -r var/fresh" makes it anew. The go.mod keeps Go's
# "./..." out of here.
mkdir -p "$fresh"
[ -e "$fresh/go.mod" ] || echo "module fresh" >"$fresh/go.mod"
if ! [ -e "$fresh/root.made" ]; then
	echo "Making a minimal Debian 12"
	rm -rf --one-file-system "$base"
	mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
	# A person has git and make when they have come as far as "make run", and trusts
	# the usual certificates.
	# In mounts of its own: debootstrap mounts, and may be interrupted.
	unshare --mount --propagation private debootstrap --variant=minbase --include=ca-certificates,git,make bookworm "$base" ${mirror:+"$mirror"} >"$fresh/debootstrap.log" 2>&1 ||
		fail "debootstrap failed; its log is var/fresh/debootstrap.log"
	date -u +%F >"$fresh/root.made"
fi

# machine NAME: a fresh copy with Go, Node, a user, and the way to the registries.
machine() {
	local root=$fresh/$1 part home
	rm -rf --one-file-system "$root"
	cp -a "$base" "$root"
	cp -a "$(go env GOROOT)" "$root/usr/local/go"
	mkdir -p "$root/usr/local/lib/node_modules"
	cp -aL "$(command -v node)" "$root/usr/local/bin/node"
	cp -a "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" "$root/usr/local/lib/node_modules/npm"
	ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
	ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
	chroot "$root" useradd --create-home --shell /bin/bash person

	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
	rm -f "$root/etc/apt/sources.list"
	for part in sources.list sources.list.d auth.conf.d preferences.d trusted.gpg.d keyrings; do
		[ ! -e "/etc/apt/$part" ] || cp -a "/etc/apt/$part" "$root/etc/apt/"
	done
	grep -ls '^ *Acquire::' /etc/apt/apt.conf.d/* | xargs -r cp -t "$root/etc/apt/apt.conf.d" # how to fetch, not what to do then
	part=$(npm config get userconfig)
	if [ -e "$part" ]; then
		install -m 600 "$part" "$root/root/.npmrc"
		home=$(chroot "$root" sh -c 'echo ~person')
		install -m 600 "$part" "$root$home/.npmrc"
		chroot "$root" chown person:person "$home/.npmrc"
	fi
	cp "$fresh/kiosk.bundle" "$root/opt/"
	cp scripts/fresh-person.sh "$root/opt/person.sh"
	chmod a+r "$root/opt/"*
}

commit=$(git -c safe.directory='*' rev-parse --short HEAD)
git -c safe.directory='*' bundle create --quiet "$fresh/kiosk.bundle" HEAD
figures=$fresh/figures
: >"$figures"
missed=0

# stage NAME MACHINE online|offline USER ARGS...: one thing that a person does.
# Lines "figure: ..." of it are kept for the end.
stage() {
	local name=$1 log
	shift
	log=$fresh/$name.log
	echo "== $name"
	if ! enter "$fresh/$1" "${@:2}" 2>&1 | tee "$log" | sed 's/^/   /'; then
		missed=1
		echo "$name: failed; its log is var/fresh/$name.log" >>"$figures"
	fi
	sed -n "s/^figure: /$name: /p" "$log" >>"$figures"
}

# needs MACHINE: what run's set-up told the user that root must do is done.
as_told() {
	local line
	line=$(sed -n 's/^figure-free: //p' "$fresh/$1.log" | tail -n 1)
	[ -n "$line" ] || return 0
	echo "== as root: $line"
	printf '%s\n' "$line" >"$fresh/$2/opt/as-told.sh"
	enter "$fresh/$2" online root do sh /opt/as-told.sh >"$fresh/as-told.log" 2>&1 || fail "what the message told root to do failed; see var/fresh/as-told.log"
}

began=$SECONDS
trap 'rm -rf --one-file-system "$fresh/of-root" "$fresh/of-user"' EXIT

echo "Making two machines"
machine of-root
machine of-user
chmod 755 "$fresh" # the user's home is looked up through it

stage root-first of-root online root first
stage root-second of-root offline root second
stage user-told of-user online person told
as_told user-told of-user
stage user-first of-user online person first
stage user-second of-user offline person second
if [ -n "$tests" ]; then
	chroot "$fresh/of-user" sh -c 'apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends sudo' >"$fresh/sudo.log" 2>&1 ||
		fail "sudo could not be installed; see var/fresh/sudo.log"
	echo 'person ALL=(ALL) NOPASSWD: ALL' >"$fresh/of-user/etc/sudoers.d/person"
	stage user-test of-user online person test
fi

echo
cat "$figures"
echo "a fresh Debian 12 of $(cat "$fresh/root.made"), commit $commit: $([ $missed = 0 ] && echo "every limit held" || echo "A LIMIT WAS MISSED"), $((SECONDS - began)) s"
exit $missed
