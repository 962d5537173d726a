package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// assets are the bundled scripts and styles, named after their content, so that they may be kept for ever.
type assets struct {
	files fs.FS
	names map[string]string // app.js → app.19cf82ce81.js
	small map[string][]byte // the same files compressed, by their names with the hash
}

func loadAssets() (*assets, error) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	a := &assets{files: files, names: map[string]string{}}
	manifest, err := fs.ReadFile(files, "manifest.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("web: the binary was built without the portal's scripts and styles; run make assets first")
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(manifest, &a.names); err != nil {
		return nil, fmt.Errorf("web: read the manifest of scripts and styles: %w", err)
	}
	a.small = make(map[string][]byte, len(a.names))
	for _, name := range a.names {
		if a.small[name], err = compressed(files, name); err != nil {
			return nil, fmt.Errorf("web: compress %s: %w", name, err)
		}
	}
	return a, nil
}

func compressed(files fs.FS, name string) ([]byte, error) {
	whole, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(whole); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// path is where a bundle is served, by its plain name.
func (a *assets) path(name string) (string, error) {
	file, ok := a.names[name]
	if !ok {
		return "", fmt.Errorf("there is no bundle %s", name)
	}
	return "/assets/" + file, nil
}

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/assets/")
	for _, known := range a.names {
		if known == name {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			w.Header().Set("Vary", "Accept-Encoding")
			if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && r.Header.Get("Range") == "" {
				w.Header().Set("Content-Encoding", "gzip")
				w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
				_, _ = w.Write(a.small[name]) // the visitor may have gone
				return
			}
			http.ServeFileFS(w, r, a.files, name)
			return
		}
	}
	http.NotFound(w, r)
}
