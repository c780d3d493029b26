package bundle

import "strings"

// Forge changes one byte of a file in a bundle and makes container and manifest fit again, as a careful forger would.
// It returns nil when the file has no such byte.
func Forge(b []byte, name string, at int, mask byte) []byte {
	files, err := unpack(b)
	if err != nil {
		return nil
	}
	for i := range files {
		if !strings.HasPrefix(files[i].name, name) || at >= len(files[i].data) {
			continue
		}
		files[i].data = append([]byte(nil), files[i].data...)
		files[i].data[at] ^= mask
		files[0].data = manifest(files[1:])
		out, err := pack(files)
		if err != nil {
			return nil
		}
		return out
	}
	return nil
}
