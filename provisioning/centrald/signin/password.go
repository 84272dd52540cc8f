package signin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Parameters of argon2id (RFC 9106): 19 MiB, two passes, one lane, the least that
// is recommended for a server that does little else.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32
)

// Nobody is the hash of no password. To compare with it takes as long as with any.
var Nobody = encode(make([]byte, argonSalt), make([]byte, argonKey))

// HashPassword is a password as it may be stored, in PHC string format.
func HashPassword(password string) string {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails
	return encode(salt, derive(password, salt))
}

func derive(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)
}

func head() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, argonMemory, argonTime, argonLanes)
}

func encode(salt, key []byte) string {
	return head() + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(key)
}

var errHash = errors.New("signin: a stored password is not in the form that is made here")

// CheckPassword reports whether password is the one that was hashed, in a time
// that does not depend on either.
func CheckPassword(hash, password string) (bool, error) {
	parts := strings.Split(strings.TrimPrefix(hash, head()), "$")
	if len(parts) != 2 {
		return false, errHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[0])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[1])
	if err != nil || err2 != nil || len(salt) != argonSalt || len(key) != argonKey {
		return false, errHash
	}
	return subtle.ConstantTimeCompare(derive(password, salt), key) == 1, nil
}
