#!/bin/bash
# lint.sh: the checks of source, one after the other, to the first that fails.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
scripts/setup.sh run
. scripts/checks.sh

check_vet
check_staticcheck
check_format
check_rooms
echo "Nothing to complain about."
