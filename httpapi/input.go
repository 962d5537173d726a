package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dragoman-booking/dragoman/domain"
)

// maxBody is the largest command body: a booking with every field full is far smaller.
const maxBody = 1 << 20

// maxDrained is how much of a body over the limit is read and thrown away, so that its sender gets to read the answer: a connection closed
// on a sender that is still writing shows as a network fault, not as 413.
const maxDrained = 32 << 20

// withLimit refuses bodies over the limit, by length where it is told and while reading where it is not.
func withLimit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxBody {
			if r.Header.Get("Expect") == "" { // otherwise the sender waits for us
				_, _ = io.CopyN(io.Discard, r.Body, maxDrained)
			}
			plainProblem(w, problem(http.StatusRequestEntityTooLarge, "too-large", "The request is larger than 1 MiB."))
			return
		}
		whole := r.Body
		r.Body = http.MaxBytesReader(w, whole, maxBody)
		next.ServeHTTP(w, r)
		if r.ContentLength < 0 {
			_, _ = io.CopyN(io.Discard, whole, maxDrained)
		}
	})
}

// withText refuses addresses that hold what no database can look for: bytes that are no UTF-8, and the character NUL. Nothing has such a name.
func withText(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !storable(r.URL.Path) {
			plainProblem(w, notFound())
			return
		}
		if query, err := url.QueryUnescape(r.URL.RawQuery); err != nil || !storable(query) {
			p := problem(http.StatusUnprocessableEntity, "invalid", someWrong)
			p.Errors = []domain.FieldError{{Location: "query", Message: unstorableText}}
			plainProblem(w, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

const (
	someWrong      = "Some values need correcting."
	unstorableText = "This text contains characters that cannot be stored."
)

// errNotUTF8: JSON is UTF-8. Reading it anyway would put replacement characters where the sender's letters stood.
var errNotUTF8 = errors.New("the body is not UTF-8")

// jsonFormat reads and writes bodies.
var jsonFormat = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(body []byte, v any) error {
		if !utf8.Valid(body) {
			return errNotUTF8
		}
		return huma.DefaultJSONFormat.Unmarshal(body, v)
	},
}

// nul is how JSON writes the character NUL.
var nul = []byte(`\u0000`)

// unstorable names every text of a JSON body that holds NUL.
func unstorable(body []byte) (faults []error) {
	if !bytes.Contains(body, nul) {
		return nil
	}
	var sent any
	if json.Unmarshal(body, &sent) != nil {
		return nil // said elsewhere
	}
	look("body", sent, &faults)
	return faults
}

func look(location string, v any, faults *[]error) {
	switch v := v.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			*faults = append(*faults, &huma.ErrorDetail{Location: location, Message: unstorableText})
		}
	case []any:
		for i, item := range v {
			look(fmt.Sprintf("%s[%d]", location, i), item, faults)
		}
	case map[string]any:
		for key, item := range v {
			if strings.ContainsRune(key, 0) {
				*faults = append(*faults, &huma.ErrorDetail{Location: location, Message: "The name of a field contains characters that cannot be stored."})
				continue
			}
			look(location+"."+key, item, faults)
		}
	}
}
