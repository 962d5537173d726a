package domain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"unicode/utf8"
)

// Erased is what stands where a person's text stood before that person was erased.
const Erased = "[erased]"

// Personal is text about a person: a name, a contact, a note. Events carry it sealed under that person's key, logs never show it.
// Its JSON form {"$personal":"…"} exists only between the event's struct and the codec, which seals it before it is stored.
type Personal string

// Reveal returns the text. Calling it marks the places where personal data leaves the domain.
func (p Personal) Reveal() string { return string(p) }

// String hides the text, so that a careless print shows nothing.
func (p Personal) String() string { return "[personal]" }

// Format hides the text from every verb of fmt.
func (p Personal) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[personal]")) }

// LogValue hides the text from logs.
func (p Personal) LogValue() slog.Value { return slog.StringValue("[personal]") }

type personalJSON struct {
	Text *string `json:"$personal"`
}

// MarshalJSON writes the form that the codec seals.
func (p Personal) MarshalJSON() ([]byte, error) {
	s := string(p)
	return json.Marshal(personalJSON{&s})
}

// UnmarshalJSON reads the form that the codec has opened.
func (p *Personal) UnmarshalJSON(b []byte) error {
	if text, ok := plainPersonal(b); ok {
		*p = Personal(text)
		return nil
	}
	var w personalJSON
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil || w.Text == nil {
		return fmt.Errorf("personal value is not in its opened form")
	}
	*p = Personal(*w.Text)
	return nil
}

// plainPersonal reads the opened form as the codec writes it, without the cost of a decoder: a projection reads millions of them.
func plainPersonal(b []byte) (string, bool) {
	b, ok := bytes.CutPrefix(b, []byte(`{"$personal":`))
	if !ok {
		return "", false
	}
	if b, ok = bytes.CutSuffix(b, []byte(`}`)); !ok || len(b) == 0 || b[0] != '"' {
		return "", false
	}
	if text, ok := plainText(b); ok {
		return text, true
	}
	var text string
	err := json.Unmarshal(b, &text) // it has escapes; more than one text is no JSON and goes the strict way
	return text, err == nil
}

// plainText reads a JSON text that has no escapes, as nearly all have.
func plainText(b []byte) (string, bool) {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return "", false
	}
	b = b[1 : len(b)-1]
	for _, c := range b {
		if c < ' ' || c == '"' || c == '\\' {
			return "", false
		}
	}
	return string(b), utf8.Valid(b)
}

// Value is what one field of a booking form holds: one or several texts, or "not applicable" (D-04). A personal one is stored sealed.
type Value struct {
	Items         []string
	Personal      bool
	NotApplicable bool
}

// Text makes a plain value of one text.
func Text(s string) Value { return Value{Items: []string{s}} }

// Private makes a personal value of one text.
func Private(s string) Value { return Value{Items: []string{s}, Personal: true} }

// First is the value's first text, "N/A" if not applicable, "" if empty.
func (v Value) First() string {
	if v.NotApplicable {
		return "N/A"
	}
	if len(v.Items) == 0 {
		return ""
	}
	return v.Items[0]
}

// Equal tells whether both hold the same texts.
func (v Value) Equal(o Value) bool {
	if v.NotApplicable != o.NotApplicable || v.Personal != o.Personal || len(v.Items) != len(o.Items) {
		return false
	}
	for i := range v.Items {
		if v.Items[i] != o.Items[i] {
			return false
		}
	}
	return true
}

// String hides what may be about a person.
func (v Value) String() string {
	if v.Personal {
		return "[personal]"
	}
	return fmt.Sprint(v.Items)
}

// Format hides what may be about a person from every verb of fmt.
func (v Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(v.String())) }

// LogValue hides what may be about a person from logs.
func (v Value) LogValue() slog.Value { return slog.StringValue(v.String()) }

// MarshalJSON writes a text, a list of texts, {"na":true}, or personal forms of them.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.NotApplicable {
		return []byte(`{"na":true}`), nil
	}
	if !v.Personal {
		if len(v.Items) == 1 {
			return json.Marshal(v.Items[0])
		}
		return json.Marshal(append([]string{}, v.Items...))
	}
	ps := make([]Personal, len(v.Items))
	for i, s := range v.Items {
		ps[i] = Personal(s)
	}
	if len(ps) == 1 {
		return json.Marshal(ps[0])
	}
	return json.Marshal(ps)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	*v = Value{}
	switch {
	case len(b) == 0:
		return fmt.Errorf("field value is empty")
	case b[0] == '"':
		if text, ok := plainText(b); ok {
			v.Items = []string{text}
			return nil
		}
		v.Items = []string{""}
		return json.Unmarshal(b, &v.Items[0])
	case b[0] == '{':
		if text, ok := plainPersonal(b); ok {
			v.Items, v.Personal = []string{text}, true
			return nil
		}
		var na struct {
			NA bool `json:"na"`
		}
		if json.Unmarshal(b, &na) == nil && na.NA {
			v.NotApplicable = true
			return nil
		}
		var p Personal
		if err := json.Unmarshal(b, &p); err != nil {
			return err
		}
		v.Items, v.Personal = []string{p.Reveal()}, true
		return nil
	}
	if json.Unmarshal(b, &v.Items) == nil {
		return nil
	}
	var ps []Personal
	if err := json.Unmarshal(b, &ps); err != nil {
		return fmt.Errorf("field value is neither a text nor a list of texts")
	}
	v.Items, v.Personal = make([]string, len(ps)), true
	for i, p := range ps {
		v.Items[i] = p.Reveal()
	}
	return nil
}
