#!/bin/bash
# reset.sh: clears what "make run" keeps. The supervisor knows what that is, and
# refuses while a terminal runs.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if ! [ -x bin/supervisor ]; then
	scripts/setup.sh run
	mkdir -p bin
	go build -trimpath -o bin/ ./provisioning/supervisor
fi
exec bin/supervisor reset
