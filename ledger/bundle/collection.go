package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"isotherm/ledger/entry"
)

// Limits of a collection.
const (
	MaxBundles = 1000 // of one collection: a year of a busy program
	maxIndex   = 8 << 20
)

const (
	bundleSuffix = ".isotherm.tar"
	indexName    = "index.json"
	collectionV  = 1
)

// Indexed is a bundle as the table of contents of a collection names it. Result and Sentence are what the verifier said
// to whoever made the collection; nobody needs to believe them.
type Indexed struct {
	File     string `json:"file"`
	Shipment string `json:"shipment"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
	Result   Result `json:"result"`
	Sentence string `json:"sentence"`
}

type index struct {
	Version int       `json:"version"`
	Bundles []Indexed `json:"bundles"`
}

// FileName is what the bundle of a shipment is called.
func FileName(shipment string) string { return shipment + bundleSuffix }

// Collector writes several bundles as one tar file, one after another, with a table of contents at its end. Each of them is
// a bundle by itself.
type Collector struct {
	w     io.Writer
	index index
}

// NewCollector begins a collection.
func NewCollector(w io.Writer) *Collector {
	return &Collector{w: w, index: index{Version: collectionV}}
}

// Add writes a bundle. The verdict names its shipment; sentence goes into the table of contents.
func (c *Collector) Add(b []byte, v *Verdict, sentence string) error {
	if len(c.index.Bundles) >= MaxBundles {
		return fmt.Errorf("write collection: at most %d bundles are allowed", MaxBundles)
	}
	sum := sha256.Sum256(b)
	i := Indexed{File: FileName(v.Shipment.ID), Shipment: v.Shipment.ID, Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:]), Result: v.Result, Sentence: sentence}
	c.index.Bundles = append(c.index.Bundles, i)
	return c.write(i.File, b)
}

// Close writes the table of contents and the end. It does not close the writer.
func (c *Collector) Close() error {
	text, err := json.MarshalIndent(c.index, "", "  ")
	if err != nil {
		return fmt.Errorf("write collection: %w", err)
	}
	if err := c.write(indexName, append(text, '\n')); err != nil {
		return err
	}
	if _, err := c.w.Write(make([]byte, 2*blockSize)); err != nil {
		return fmt.Errorf("write collection: %w", err)
	}
	return nil
}

func (c *Collector) write(name string, data []byte) error {
	for _, part := range [][]byte{header(name, len(data)), data, make([]byte, padding(len(data)))} {
		if _, err := c.w.Write(part); err != nil {
			return fmt.Errorf("write collection: %w", err)
		}
	}
	return nil
}

// HeadSize is how many bytes of a file IsCollection looks at.
const HeadSize = blockSize

// IsCollection tells from the first block of a file whether it is a collection and no single bundle.
func IsCollection(head []byte) bool {
	if len(head) < blockSize {
		return false
	}
	name, _, _ := strings.Cut(string(head[:maxName]), "\x00")
	return strings.HasSuffix(name, bundleSuffix) || name == indexName
}

// VerifyCollection verifies the bundles of a collection one after another and hands each verdict to each. It returns what is
// wrong with the collection itself: damage between the bundles, and a table of contents that does not fit. Only one bundle is
// held in memory at a time.
func VerifyCollection(r io.Reader, pin *entry.Pin, each func(Indexed, *Verdict)) []Finding {
	var out []Finding
	var seen []Indexed
	for {
		name, data, err := nextFile(r)
		switch {
		case errors.Is(err, io.EOF):
			return append(out, Finding{"collection", "ends before its table of contents: it was cut off"})
		case err != nil:
			return append(out, Finding{"collection", err.Error()})
		case name == indexName:
			return append(append(out, compareIndex(data, seen)...), atEnd(r)...)
		case !strings.HasSuffix(name, bundleSuffix) || len(seen) >= MaxBundles:
			return append(out, Finding{name, "does not belong into a collection"})
		}
		sum := sha256.Sum256(data)
		v := Verify(data, pin)
		i := Indexed{File: name, Shipment: v.Shipment.ID, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:]), Result: v.Result}
		if name != FileName(v.Shipment.ID) && v.Result != Broken {
			out = append(out, Finding{name, "holds the bundle of shipment " + v.Shipment.ID})
		}
		seen = append(seen, i)
		each(i, v)
	}
}

// nextFile reads one file of a collection.
func nextFile(r io.Reader) (string, []byte, error) {
	block := make([]byte, blockSize)
	if _, err := io.ReadFull(r, block); err != nil {
		return "", nil, io.EOF
	}
	name, _, _ := strings.Cut(string(block[:maxName]), "\x00")
	size, err := octal(block[124:136])
	limit := MaxSize
	if name == indexName {
		limit = maxIndex
	}
	if err != nil || size > limit || !bytes.Equal(block, header(name, size)) {
		return "", nil, fmt.Errorf("header of %.100q is damaged", name)
	}
	var data bytes.Buffer // grows with what is there, not with what the header promises
	if n, err := io.Copy(&data, io.LimitReader(r, int64(size+padding(size)))); err != nil || n != int64(size+padding(size)) {
		return "", nil, fmt.Errorf("%s is cut off", name)
	}
	if !allZero(data.Bytes()[size:]) {
		return "", nil, fmt.Errorf("padding after %s is damaged", name)
	}
	return name, data.Bytes()[:size:size], nil
}

// compareIndex holds the table of contents against the bundles that came before it.
func compareIndex(data []byte, seen []Indexed) []Finding {
	var x index
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil || x.Version != collectionV {
		return []Finding{{indexName, fmt.Sprintf("can't be read: version %d, %v", x.Version, err)}}
	}
	var out []Finding
	if len(x.Bundles) != len(seen) {
		out = append(out, Finding{indexName, fmt.Sprintf("lists %s, there are %d", count(len(x.Bundles), "bundle"), len(seen))})
	}
	for i := range min(len(x.Bundles), len(seen)) {
		want, got := x.Bundles[i], seen[i]
		if want.File != got.File || want.Size != got.Size || want.SHA256 != got.SHA256 {
			out = append(out, Finding{got.File, "is not what the table of contents says: its SHA-256 is " + got.SHA256})
		}
	}
	return out
}

// atEnd wants two empty blocks and nothing behind them.
func atEnd(r io.Reader) []Finding {
	rest, err := io.ReadAll(io.LimitReader(r, 2*blockSize+1))
	if err != nil || len(rest) != 2*blockSize || !allZero(rest) {
		return []Finding{{"collection", "its end is damaged"}}
	}
	return nil
}
