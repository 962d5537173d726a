package arrows

import (
	"bytes"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGofmt: every file of ours is as gofmt writes it, so that make quick tells it long before the linters do.
func TestGofmt(t *testing.T) {
	t.Parallel()
	seen := 0
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		switch out, err := format.Source(src); {
		case err != nil:
			t.Errorf("%s: %v", path, err)
		case !bytes.Equal(src, out):
			t.Errorf("%s: gofmt would change it", path)
		}
		return nil
	})
	if err != nil || seen < 100 {
		t.Fatalf("%d files seen: %v", seen, err)
	}
}
