package web

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// assets are the bundled scripts and styles, named after their content, so that they may be kept for ever.
type assets struct {
	files fs.FS
	names map[string]string // app.js → app.19cf82ce81.js
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
	return a, nil
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
			http.ServeFileFS(w, r, a.files, name)
			return
		}
	}
	http.NotFound(w, r)
}
