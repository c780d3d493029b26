// Package bundle writes and verifies evidence bundles: one file that holds all that is needed to check a shipment's
// history offline, without trusting the carrier, the network or any single node.
//
// A bundle is a ustar archive of uncompressed files that any tar program opens. The reader accepts exactly the bytes that
// the writer makes, so that no bit of the container can change unnoticed. Nothing here touches a network, raft or bbolt.
package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// MaxSize bounds a bundle: two years of readings of one box.
const MaxSize = 1 << 30

const (
	blockSize = 512
	maxName   = 100
)

// file is one file of the archive.
type file struct {
	name string
	data []byte
}

// header returns the ustar header block of a file (POSIX.1-1988): fixed owner, mode and time, so that it says nothing
// but name and size.
func header(name string, size int) []byte {
	b := make([]byte, blockSize)
	copy(b, name)
	copy(b[100:], "0000644\x00")
	copy(b[108:], "0000000\x00")
	copy(b[116:], "0000000\x00")
	copy(b[124:], fmt.Sprintf("%011o\x00", size))
	copy(b[136:], "00000000000\x00")
	copy(b[148:], "        ")
	b[156] = '0'
	copy(b[257:], "ustar\x0000")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

// pack returns the archive of the files.
func pack(files []file) ([]byte, error) {
	var out bytes.Buffer
	for _, f := range files {
		if len(f.name) == 0 || len(f.name) >= maxName {
			return nil, fmt.Errorf("pack bundle: name %q is empty or too long", f.name)
		}
		out.Write(header(f.name, len(f.data)))
		out.Write(f.data)
		out.Write(make([]byte, padding(len(f.data))))
	}
	out.Write(make([]byte, 2*blockSize))
	if out.Len() > MaxSize {
		return nil, fmt.Errorf("pack bundle: %d bytes, at most %d are allowed", out.Len(), MaxSize)
	}
	return out.Bytes(), nil
}

func padding(size int) int { return (blockSize - size%blockSize) % blockSize }

// unpack reads an archive. It returns the files it could read, and what is wrong with the container.
func unpack(b []byte) ([]file, error) {
	var files []file
	if len(b) > MaxSize {
		return nil, fmt.Errorf("container: %d bytes, at most %d are allowed", len(b), MaxSize)
	}
	var wrong []error
	off := 0
	for {
		if len(b)-off < blockSize {
			return files, errors.Join(append(wrong, fmt.Errorf("container: cut off at byte %d", len(b)))...)
		}
		block := b[off : off+blockSize]
		if allZero(block) {
			break
		}
		name, _, _ := strings.Cut(string(block[:maxName]), "\x00")
		size, err := octal(block[124:136])
		if err != nil || size > len(b)-off-blockSize {
			return files, errors.Join(append(wrong, fmt.Errorf("container: header at byte %d is damaged", off))...)
		}
		if !bytes.Equal(block, header(name, size)) {
			wrong = append(wrong, fmt.Errorf("container: header of %q at byte %d is damaged", name, off))
		}
		off += blockSize
		files = append(files, file{name: name, data: b[off : off+size : off+size]})
		off += size
		pad := min(padding(size), len(b)-off)
		if !allZero(b[off:off+pad]) || pad != padding(size) {
			wrong = append(wrong, fmt.Errorf("container: padding after %q at byte %d is damaged", name, off))
		}
		off += pad
	}
	if len(b)-off != 2*blockSize || !allZero(b[off:]) {
		wrong = append(wrong, fmt.Errorf("container: end at byte %d is damaged", off))
	}
	return files, errors.Join(wrong...)
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// octal reads a size field: eleven octal digits and a NUL.
func octal(b []byte) (int, error) {
	n := 0
	for i, c := range b {
		if i == len(b)-1 && c == 0 {
			return n, nil
		}
		if c < '0' || c > '7' {
			break
		}
		n = n<<3 | int(c-'0')
	}
	return 0, errors.New("not an octal number")
}
