package people

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

// Limits of texts, in characters, and of lists.
const (
	maxName = 200
	maxText = 4000
	maxWord = 60
	maxList = 500
)

// faults gathers every faulty input of one wish.
type faults []domain.FieldError

func (f *faults) add(location, message string) {
	*f = append(*f, domain.FieldError{Location: location, Message: message})
}

func (f *faults) check(okay bool, location, message string) {
	if !okay {
		f.add(location, message)
	}
}

// refusal is nil without faults; a 422 naming all of them otherwise.
func (f faults) refusal() error {
	if len(f) == 0 {
		return nil
	}
	return domain.Invalid(f...)
}

func (f *faults) text(location, s string, limit int) {
	switch {
	case utf8.RuneCountInString(s) > limit:
		f.add(location, fmt.Sprintf("At most %d characters.", limit))
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }):
		f.add(location, "This text contains characters that cannot be stored.")
	}
}

func (f *faults) required(location, s string, limit int) {
	if strings.TrimSpace(s) == "" {
		f.add(location, "This field is required.")
		return
	}
	f.text(location, s, limit)
}

func (f *faults) zone(location, zone string) {
	_, err := domain.MomentAt(time.Unix(0, 0), zone)
	f.check(err == nil, location, "Send an IANA time zone such as Europe/London.")
}

func (f *faults) email(location, s string, required bool) {
	switch {
	case s == "" && required:
		f.add(location, "This field is required.")
	case s != "" && !forms.IsEmail(s):
		f.add(location, "Enter a mail address such as someone@example.com.")
	}
}

func (f *faults) telephone(location, s string) {
	f.check(s == "" || forms.IsTelephone(s), location, "Enter a telephone number.")
}

func (f *faults) oneOf(location, s string, choices []string) {
	f.check(slices.Contains(choices, s), location, "Choose one of: "+strings.Join(choices, ", ")+".")
}

// subset: every item is one of known, which nil leaves unchecked.
func (f *faults) subset(location string, items, known []string) {
	for i, s := range items {
		if known == nil || s != "" && slices.Contains(known, s) {
			continue
		}
		f.add(at(location, i), "There is no such value.")
	}
}

// words: values of a list that the agency keeps.
func (f *faults) words(location string, items []string) {
	f.check(len(items) <= maxList, location, "Too many values.")
	for i, s := range items {
		f.required(at(location, i), s, maxWord)
	}
}

// languageTag is the syntax of BCP 47 tags as far as spoken and signed languages need it: language, script, region, variants, private use.
var languageTag = regexp.MustCompile(`^[a-zA-Z]{2,3}(-[a-zA-Z]{3}){0,3}(-[a-zA-Z]{4})?(-([a-zA-Z]{2}|[0-9]{3}))?(-([a-zA-Z0-9]{5,8}|[0-9][a-zA-Z0-9]{3}))*(-x(-[a-zA-Z0-9]{1,8})+)?$`)

// IsLanguage tells whether s is a language code of BCP 47 syntax, such as pl, bfi or zh-Hant.
func IsLanguage(s string) bool { return len(s) <= 35 && languageTag.MatchString(s) }

func (f *faults) languages(location string, codes []string) {
	f.check(len(codes) <= maxList, location, "Too many values.")
	for i, s := range codes {
		f.check(IsLanguage(s), at(location, i), "Enter a language code such as pl.")
	}
}

// known: every id is a key of what the organisation has.
func known[V any](f *faults, location string, ids []uuid.UUID, has map[uuid.UUID]V) {
	for i, id := range ids {
		if _, ok := has[id]; !ok {
			f.add(at(location, i), "There is no such one.")
		}
	}
}

func at(location string, i int) string { return fmt.Sprintf("%s[%d]", location, i) }

// or is the sent value, or what stands if nothing was sent.
func or[T any](sent *T, stands T) T {
	if sent == nil {
		return stands
	}
	return *sent
}

func orPersonal(sent *string, stands domain.Personal) domain.Personal {
	if sent == nil {
		return stands
	}
	return domain.Personal(strings.TrimSpace(*sent))
}

// same tells whether two values would be stored alike: no list and an empty one are.
func same(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

func unknown(what string) error { return domain.NotFound("There is no such %s.", what) }

func erased() error {
	return domain.Unprocessable("erased", "This person's data was erased. It cannot be changed any more.")
}
