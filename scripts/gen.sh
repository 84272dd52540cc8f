#!/bin/bash
# gen.sh: writes generated code anew from its sources: the client and server of the
# API contract, and the page's types of the screen's wire.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

go generate ./provisioning/centralapi/...
go run ./daemon/screen/gen
