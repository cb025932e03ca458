// Checks a Writ log and its artifacts with Go's own implementations of signed notes and tiled logs
// (golang.org/x/mod/sumdb/note and tlog), as a stranger would. It knows nothing of Writ's code.
//
//	verify-log <vkey> <log directory>                      every entry, tile and the checkpoint
//	verify-proof <vkey> <leaf file> <tlog-proof file>      one artifact's signature
//	verify-consistency <vkey> <old note file> <log directory>
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return errors.New("usage: verify-log | verify-proof | verify-consistency")
	}
	verifier, err := note.NewVerifier(args[1])
	if err != nil {
		return err
	}
	switch args[0] {
	case "verify-log":
		return verifyLog(verifier, args[2])
	case "verify-proof":
		return verifyProof(verifier, args[2], args[3])
	case "verify-consistency":
		return verifyConsistency(verifier, args[2], args[3])
	}
	return fmt.Errorf("unknown command %q", args[0])
}

// openCheckpoint reads the three lines itself: tlog.ParseTree knows only the origin of Go's own database.
func openCheckpoint(verifier note.Verifier, signed []byte) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
}

// tileDirectory serves tiles from a tlog-tiles directory.
type tileDirectory string

func (directory tileDirectory) Height() int { return 8 }

func (directory tileDirectory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(string(directory), tilePath(tile)))
		if err != nil && tile.W < 256 {
			full := tile
			full.W = 256
			if data, err = os.ReadFile(filepath.Join(string(directory), tilePath(full))); err == nil {
				data = data[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (directory tileDirectory) SaveTiles([]tlog.Tile, [][]byte) {}

// tilePath is tlog's own path without the height, which tlog-tiles fixes at 8.
func tilePath(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

func bundlePath(index int64, width int) string {
	tile := tlog.Tile{H: 8, L: 0, N: index, W: width}
	return strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
}

func verifyLog(verifier note.Verifier, directory string) error {
	signed, err := os.ReadFile(filepath.Join(directory, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(verifier, signed)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tileDirectory(directory))
	for first := int64(0); first < tree.N; first += 256 {
		width := tree.N - first
		if width > 256 {
			width = 256
		}
		bundle, err := os.ReadFile(filepath.Join(directory, bundlePath(first/256, int(width))))
		if err != nil {
			return err
		}
		for position := int64(0); position < width; position++ {
			if len(bundle) < 2 {
				return fmt.Errorf("the bundle of entry %d ends early", first+position)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			if len(bundle) < 2+length {
				return fmt.Errorf("the bundle of entry %d ends early", first+position)
			}
			want, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, first+position)})
			if err != nil {
				return err
			}
			if tlog.RecordHash(bundle[2:2+length]) != want[0] {
				return fmt.Errorf("entry %d does not hash to its leaf", first+position)
			}
			bundle = bundle[2+length:]
		}
		if len(bundle) != 0 {
			return fmt.Errorf("bytes left over in the bundle of entry %d", first)
		}
	}
	fmt.Printf("accepted: %d entries of %s\n", tree.N, verifier.Name())
	return nil
}

func verifyProof(verifier note.Verifier, leafFile, proofFile string) error {
	leaf, err := os.ReadFile(leafFile)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(proofFile)
	if err != nil {
		return err
	}
	head, signed, found := bytes.Cut(text, []byte("\n\n"))
	if !found {
		return errors.New("the proof has no checkpoint")
	}
	tree, err := openCheckpoint(verifier, signed)
	if err != nil {
		return err
	}
	lines := strings.Split(string(head), "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		return errors.New("not a tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != tlog.HashSize {
			return fmt.Errorf("not a hash: %q", line)
		}
		var hash tlog.Hash
		copy(hash[:], raw)
		proof = append(proof, hash)
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
		return err
	}
	fmt.Printf("accepted: entry %d of %d\n", index, tree.N)
	return nil
}

func verifyConsistency(verifier note.Verifier, oldNote, directory string) error {
	signed, err := os.ReadFile(oldNote)
	if err != nil {
		return err
	}
	older, err := openCheckpoint(verifier, signed)
	if err != nil {
		return err
	}
	if signed, err = os.ReadFile(filepath.Join(directory, "checkpoint")); err != nil {
		return err
	}
	newer, err := openCheckpoint(verifier, signed)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(newer, tileDirectory(directory))
	proof, err := tlog.ProveTree(newer.N, older.N, reader)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash); err != nil {
		return err
	}
	fmt.Printf("accepted: %d entries extend %d\n", newer.N, older.N)
	return nil
}
