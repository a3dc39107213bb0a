// Follows a Honnin audit log with golang.org/x/mod/sumdb only: note for the signature, tlog for tiles and proofs.
// Usage: main FOLDER VKEY OLD-CHECKPOINT. Prints one line per thing checked; exits 1 at the first that does not hold.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type tiles struct{ folder string }

func (t tiles) Height() int { return 8 }

// Path of C2SP tlog-tiles; tlog's own has the height in it.
func path(t tlog.Tile) string {
	return strings.Replace(t.Path(), "tile/8/", "tile/", 1)
}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range wanted {
		b, err := os.ReadFile(filepath.Join(t.folder, path(tile)))
		if err != nil {
			return nil, err
		}
		data = append(data, b)
	}
	return data, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func fail(err error) {
	if err != nil {
		fmt.Println("FAIL", err)
		os.Exit(1)
	}
}

func open(file string, verifiers note.Verifiers) tlog.Tree {
	b, err := os.ReadFile(file)
	fail(err)
	n, err := note.Open(b, verifiers)
	fail(err)
	lines := strings.Split(n.Text, "\n")
	var size int64
	_, err = fmt.Sscan(lines[1], &size)
	fail(err)
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	fail(err)
	var hash tlog.Hash
	copy(hash[:], raw)
	return tlog.Tree{N: size, Hash: hash}
}

func main() {
	folder := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	fail(err)
	verifiers := note.VerifierList(verifier)
	tree := open(filepath.Join(folder, "checkpoint"), verifiers)
	old := open(os.Args[3], verifiers)
	fmt.Println("checkpoint", tree.N)
	reader := tlog.TileHashReader(tree, tiles{folder})
	proof, err := tlog.ProveTree(tree.N, old.N, reader)
	fail(err)
	fail(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash))
	fmt.Println("consistent with", old.N)
	checked := int64(0)
	for bundle := int64(0); bundle*256 < tree.N; bundle++ {
		width := tree.N - bundle*256
		if width > 256 {
			width = 256
		}
		name := strings.Replace(path(tlog.Tile{H: 8, L: 0, N: bundle, W: int(width)}), "tile/0/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(folder, name))
		fail(err)
		for k := int64(0); k < width; k++ {
			n := int(binary.BigEndian.Uint16(data))
			entry := data[2 : 2+n]
			data = data[2+n:]
			id := bundle*256 + k
			record, err := tlog.ProveRecord(tree.N, id, reader)
			fail(err)
			fail(tlog.CheckRecord(record, tree.N, tree.Hash, id, tlog.RecordHash(entry)))
			checked++
		}
	}
	fmt.Println("entries", checked)
}
