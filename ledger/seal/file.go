package seal

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"isotherm/ledger/durable"
)

const (
	fileHeader = "isotherm keyring v1"
	fileMode   = 0o600
	maxFile    = 64 << 10 // some hundred epochs
)

// ErrLooseMode is returned for a keyring file that others than its owner may read or write.
var ErrLooseMode = errors.New("keyring must be readable by its owner only: chmod 600")

// Save writes the keyring to the path: temporary file, fsync, rename, fsync of the folder, mode 0600.
func (k *Keyring) Save(path string) error {
	var b strings.Builder
	b.WriteString(fileHeader + "\n")
	for _, number := range k.Epochs() {
		k.mu.RLock()
		key := k.epochs[number]
		k.mu.RUnlock()
		fmt.Fprintf(&b, "%d %x\n", number, key)
	}
	if err := durable.WriteFile(path, []byte(b.String()), fileMode); err != nil {
		return fmt.Errorf("save keyring: %w", err)
	}
	return nil
}

// Load reads the keyring at the path. It never makes one: a missing file is an error that wraps fs.ErrNotExist. A file
// that others may read is refused with ErrLooseMode.
func Load(path string) (*Keyring, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("load keyring: %w", err)
	}
	defer f.Close() // only read: closing can lose nothing
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("load keyring: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("load keyring %s with mode %v: %w", path, info.Mode(), ErrLooseMode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("load keyring: %w", err)
	}
	k, err := parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("load keyring %s: %w", path, err)
	}
	return k, nil
}

func parse(text string) (*Keyring, error) {
	rest, ok := strings.CutPrefix(text, fileHeader+"\n")
	body, whole := strings.CutSuffix(rest, "\n")
	if !ok || !whole {
		return nil, fmt.Errorf("not a whole keyring file: want %q and one line for each epoch", fileHeader)
	}
	k := &Keyring{epochs: map[uint32][keySize]byte{}}
	for i, line := range strings.Split(body, "\n") {
		numberText, keyText, _ := strings.Cut(line, " ")
		number, err := strconv.ParseUint(numberText, 10, 32)
		if err != nil || uint32(number) <= k.newest {
			return nil, fmt.Errorf("line %d: epochs must be numbers that ascend from 1", i+2)
		}
		key, err := hex.DecodeString(keyText)
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("line %d: want a key of %d hexadecimal digits", i+2, 2*keySize)
		}
		k.newest = uint32(number)
		k.epochs[k.newest] = [keySize]byte(key)
	}
	return k, nil
}
