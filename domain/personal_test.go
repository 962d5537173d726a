package domain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPersonalTextNeverPrints(t *testing.T) {
	t.Parallel()
	secret := Personal("Jan Kowalski")
	holder := struct{ Name Personal }{secret}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%v %s %q %+v %#v %x %d %v %+v", secret, secret, secret, secret, secret, secret, secret, holder, &holder)
	fmt.Fprintf(&b, "%v %+v %#v %q", Private("Jan Kowalski"), &holder, map[string]Value{"a": Private("Jan Kowalski")}, Private("Jan Kowalski"))
	fmt.Fprint(&b, secret, Private("Jan Kowalski"), fmt.Errorf("wrapped %v", secret), secret.String())
	slog.New(slog.NewJSONHandler(&b, nil)).Info("message", "name", secret, "value", Private("Jan Kowalski"))
	if strings.Contains(b.String(), "Kowalski") || strings.Contains(b.String(), "4a616e") {
		t.Fatal(b.String())
	}
	if secret.Reveal() != "Jan Kowalski" {
		t.Fatal("the text is lost")
	}
}

func TestPersonal_OnlyItsOpenedFormIsRead(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(Personal("Jan"))
	if err != nil || string(b) != `{"$personal":"Jan"}` {
		t.Fatalf("%s %v", b, err)
	}
	for _, bad := range []string{`"Jan"`, `{}`, `{"$sealed":{"v":1}}`, `{"$personal":"Jan","more":1}`, `null`, `7`} {
		var p Personal
		if err := json.Unmarshal([]byte(bad), &p); err == nil {
			t.Errorf("%s is read as %q", bad, p.Reveal())
		}
	}
}

func TestPropertyValue_IsReadAsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := Value{Items: rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "items"), Personal: rapid.Bool().Draw(t, "personal")}
		if len(v.Items) == 0 {
			v.Personal = false // an empty value tells about nobody
		}
		if rapid.IntRange(0, 9).Draw(t, "na") == 0 {
			v = Value{NotApplicable: true}
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var again Value
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		// encoding/json writes what is not UTF-8 as the replacement character; the forms refuse both.
		for i := range v.Items {
			v.Items[i] = strings.ToValidUTF8(v.Items[i], "\uFFFD")
		}
		if !again.Equal(v) {
			t.Fatalf("%s is read as %+v", b, again)
		}
		if strings.Contains(string(b), "$personal") != v.Personal {
			t.Fatalf("personal %v: %s", v.Personal, b)
		}
	})
}

func TestValue(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]Value{"": {}, "a": Text("a"), "N/A": {NotApplicable: true}, "b": Private("b"), "c": {Items: []string{"c", "d"}}} {
		if got := v.First(); got != want {
			t.Errorf("First of %+v = %q", v, got)
		}
	}
	different := []Value{{}, Text("a"), Text("b"), Private("a"), {NotApplicable: true}, {Items: []string{"a", "b"}}}
	for i, a := range different {
		for k, b := range different {
			if a.Equal(b) != (i == k) {
				t.Errorf("%+v equals %+v: %v", a, b, a.Equal(b))
			}
		}
	}
	for _, bad := range []string{``, `7`, `{"na":false}`, `{"x":1}`, `[7]`, `["a",7]`, `[{"$personal":"a"},"b"]`} {
		var v Value
		if err := v.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s is read as %+v", bad, v)
		}
	}
	if Text("a").String() != "[a]" || Private("a").String() != "[personal]" {
		t.Error("a value prints wrongly")
	}
}
