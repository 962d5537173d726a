package web

import "net/http"

// look is the agency's colours as a stylesheet of its own, so that they are data and the policy needs no inline style.
func (p *Portal) look(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, err := w.Write([]byte(":root { --tblr-primary: #1f5fa8; --tblr-primary-rgb: 31, 95, 168; }\n"))
	return err
}
