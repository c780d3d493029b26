package seal

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"isotherm/ledger/keyfile"
)

const fileHeader = "isotherm keyring v1"

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
	if err := keyfile.SaveSecret(path, []byte(b.String())); err != nil {
		return fmt.Errorf("save keyring: %w", err)
	}
	return nil
}

// Load reads the keyring at the path. It never makes one: a missing file is an error that wraps fs.ErrNotExist. A file
// that others may read is refused with keyfile.ErrLooseMode.
func Load(path string) (*Keyring, error) {
	text, err := keyfile.LoadSecret(path)
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
