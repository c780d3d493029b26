package node

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"isotherm/ledger"
)

// argonCost is what one guess of a password costs.
type argonCost struct {
	memoryKiB uint32
	time      uint32
	threads   uint8
}

// todaysCost is OWASP's first choice for argon2id: 19 MiB, two passes, one lane. A password hashed with another one is
// hashed anew when its owner signs in.
var todaysCost = argonCost{memoryKiB: 19 << 10, time: 2, threads: 1}

const (
	saltBytes = 16
	hashBytes = 32
)

var phc64 = base64.RawStdEncoding

// phcHash is a hash in the PHC string format: $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
type phcHash struct {
	cost argonCost
	salt []byte
	hash []byte
}

func (h *phcHash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.cost.memoryKiB, h.cost.time, h.cost.threads,
		phc64.EncodeToString(h.salt), phc64.EncodeToString(h.hash))
}

// parsePHC reads what String writes. Costs are bounded: the private state is ours, but a hash must not stop the node.
func parsePHC(text string) (*phcHash, error) {
	parts := strings.Split(text, "$")
	var h phcHash
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, errors.New("password hash is not argon2id in PHC form")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.cost.memoryKiB, &h.cost.time, &h.cost.threads); err != nil {
		return nil, fmt.Errorf("password hash: cost: %w", err)
	}
	if h.cost.memoryKiB < 8 || h.cost.memoryKiB > 256<<10 || h.cost.time < 1 || h.cost.time > 16 || h.cost.threads < 1 || h.cost.threads > 16 {
		return nil, fmt.Errorf("password hash: cost %s is out of bounds", parts[3])
	}
	var err1, err2 error
	h.salt, err1 = phc64.Strict().DecodeString(parts[4])
	h.hash, err2 = phc64.Strict().DecodeString(parts[5])
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("password hash: %w", err)
	}
	if len(h.salt) < 8 || len(h.hash) < 16 || len(h.hash) > 64 || h.String() != text {
		return nil, errors.New("password hash is not in canonical form")
	}
	return &h, nil
}

// hasher makes and checks password hashes, a few at a time.
type hasher struct {
	cost  argonCost
	slots chan struct{} // one element for each hash at work
	queue chan struct{} // one for each that waits or works
	decoy string        // hash of a password that nobody knows: checking it takes the time of a real one
}

// Two hashes at once leave the processors to the organs' data; each takes 19 MiB and some 50 ms. Beyond sixteen in the
// queue an answer would come later than people wait.
const (
	hashesAtOnce = 2
	hashesQueued = 16
)

func (h *hasher) init() {
	h.cost = todaysCost
	h.slots = make(chan struct{}, hashesAtOnce)
	h.queue = make(chan struct{}, hashesAtOnce+hashesQueued)
	decoy := phcHash{cost: h.cost, salt: make([]byte, saltBytes), hash: make([]byte, hashBytes)}
	rand.Read(decoy.salt)
	rand.Read(decoy.hash)
	h.decoy = decoy.String()
}

// work runs fn when it is its turn. CodeOverloaded: too many wait.
func (h *hasher) work(ctx context.Context, fn func()) error {
	select {
	case h.queue <- struct{}{}:
	default:
		return ledger.Errorf(ledger.CodeOverloaded, "too many people sign in at once").WithHint("try again in 2 s")
	}
	defer func() { <-h.queue }()
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("wait to check a password: %w", ctx.Err())
	}
	defer func() { <-h.slots }()
	fn()
	return nil
}

func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	out := phcHash{cost: h.cost, salt: make([]byte, saltBytes)}
	rand.Read(out.salt)
	err := h.work(ctx, func() { out.hash = derive(password, out.salt, out.cost, hashBytes) })
	return out.String(), err
}

// check tells whether the password is right, and whether its hash has another cost than today's.
func (h *hasher) check(ctx context.Context, password, phc string) (right, old bool, err error) {
	want, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	var got []byte
	err = h.work(ctx, func() { got = derive(password, want.salt, want.cost, len(want.hash)) })
	return err == nil && subtle.ConstantTimeCompare(got, want.hash) == 1, want.cost != h.cost, err
}

func derive(password string, salt []byte, cost argonCost, length int) []byte {
	return argon2.IDKey([]byte(password), salt, cost.time, cost.memoryKiB, cost.threads, uint32(length))
}
