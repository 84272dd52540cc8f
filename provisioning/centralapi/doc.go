// Package centralapi is the contract between the terminals and central:
// openapi.yaml, and the types, client and server frame that are generated from
// it. It is a leaf: it says what travels, not what anybody does about it.
//
// The generated server checks the presence of required parameters and the syntax
// of JSON, and nothing else. Whoever implements it validates bodies itself and
// writes its own error documents.
package centralapi

//go:generate go tool oapi-codegen -config oapi-codegen.yaml -o central.gen.go openapi.yaml

// Media types of the contract.
const (
	MediaJSON    = "application/json"
	MediaProblem = "application/problem+json"
	MediaRecords = "application/vnd.kiosk.records+json"
	MediaRoot    = "application/pkix-cert" // RFC 2585 section 4.1
)

// Bounds of the contract.
const (
	MaxBatchRecords = 1000
	MaxBatchCoded   = 2 << 20 // bytes of a batch as it travels
	MaxBatchDecoded = 8 << 20 // bytes after decompression
	MaxBody         = 64 << 10
	MaxRecord       = 1 << 20 // bytes of one canonical envelope
)
