# Shared by the other scripts: where we are, how the tools are to behave, and how
# a trouble is told. Sourced, not run.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The usual place of Go is often on nobody's path but root's.
if ! command -v go >/dev/null && [ -x /usr/local/go/bin/go ]; then
	PATH=$PATH:/usr/local/go/bin
fi
# Package files must not change by themselves, another Go must not be fetched
# behind our back, and a checkout that belongs to another user must build too.
export GOFLAGS="-mod=readonly -buildvcs=false" GOTOOLCHAIN=local
# npm's own questions to its registry.
export npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false
export LC_ALL=C.UTF-8

programs=(./daemon/kioskd ./provisioning/kioskctl ./provisioning/centrald ./provisioning/supervisor ./drivers/bench)
# shellcheck disable=SC2034 # used by the scripts that source this one
fault_programs=(./daemon/kioskd)

# Folder of stamps: what was built from what.
stamps=var/build

fail() {
	printf '%s\n' "$@" >&2
	exit 1
}

# hash_of FILES...: one SHA-256 over names and contents; names on standard input,
# each ended by a zero byte.
hash_files() {
	sort -z | xargs -0 -r sha256sum | sha256sum | cut -d' ' -f1
}

# Every package of the module, without what npm packages may bring along.
packages() {
	go list -f '{{.ImportPath}}' "$@" ./... | grep -v /node_modules/
}

# Every Go file of ours.
go_files() {
	find . \( -name node_modules -o -name .git -o -path ./var -o -path ./bin \) -prune -o -name '*.go' -print0
}

# have NAME: a program on the path, or a file.
have() {
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null ;;
	esac
}
