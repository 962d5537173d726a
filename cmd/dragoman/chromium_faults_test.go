package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestTabsTellWhatGoesWrong: each kind of fault in a page fails the test that saw it, and a page without faults does not.
func TestTabsTellWhatGoesWrong(t *testing.T) {
	t.Parallel()
	site := http.NewServeMux()
	site.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if name, ok := strings.CutPrefix(r.URL.Path, "/js/"); ok {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = io.WriteString(w, map[string]string{"console": `console.error('oh')`, "warning": `console.warn('hm')`, "thrown": `throw new Error('no')`,
				"rejected": `Promise.reject(new Error('never'))`, "missing": `fetch('/nothing')`, "elsewhere": `fetch('http://dragoman.example/').catch(() => {})`, "fine": `1`}[name])
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; connect-src 'self' http://dragoman.example")
		switch r.URL.Path {
		case "/nothing":
			w.WriteHeader(http.StatusNotFound)
		case "/refused":
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
		body := `<script src="/js` + r.URL.Path + `"></script>`
		if r.URL.Path == "/inline" {
			body = `<p style="color: red">red</p>`
		}
		_, _ = io.WriteString(w, `<!doctype html><html lang="en"><title>x</title><link rel="icon" href="data:,"><h1>x</h1>`+body)
	})
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	for path, want := range map[string]string{"/console": "console error: oh", "/warning": "console warning: hm", "/thrown": "exception at", "/rejected": "never",
		"/missing": "/nothing answered 404", "/elsewhere": "ERR_NAME_NOT_RESOLVED", "/inline": "Content Security Policy", "/refused": "/refused answered 422", "/fine": ""} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b := newTab(t, server.URL, screen{})
			b.open(path)
			if path == "/missing" || path == "/elsewhere" || path == "/rejected" {
				b.until("the fault has shown", func() bool { return len(b.faults) > 0 })
			}
			b.mu.Lock()
			found := strings.Join(b.faults, "\n")
			b.faults = nil
			b.mu.Unlock()
			if (want == "") != (found == "") || !strings.Contains(found, want) {
				t.Errorf("the faults of %s are %q, want %q", path, found, want)
			}
		})
	}
}
