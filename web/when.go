package web

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

// A field may be required only while another one holds something (forms.Rule). The page says so beside the field; with script the mark of a required
// field comes and goes as one fills in the form, without it stands as the form was filled when it was sent.

// whens are the rules of a field as the page and its script read them.
func (d drawing) whens(field forms.Field, form forms.Form) (text, data string) {
	var rules []string
	type rule struct {
		Name string   `json:"name"`
		Is   []string `json:"is,omitempty"`
	}
	var script []rule
	for _, r := range field.RequiredWhen {
		other, asked := form.Field(r.Field)
		if !asked {
			continue
		}
		script = append(script, rule{nameOf(other), r.Is})
		if len(r.Is) == 0 {
			rules = append(rules, d.speak.say("fields.when-filled", other.Label))
			continue
		}
		labels := make([]string, len(r.Is))
		for i, value := range r.Is {
			labels[i] = d.choiceLabel(other, value)
		}
		rules = append(rules, d.speak.say("fields.when-is", other.Label, strings.Join(labels, d.speak.say("fields.when-or"))))
	}
	if len(rules) == 0 {
		return "", ""
	}
	b, err := json.Marshal(script)
	if err != nil {
		return "", ""
	}
	return d.speak.say("fields.when", strings.Join(rules, d.speak.say("fields.when-or-if"))), string(b)
}

// choiceLabel is what the page calls a value of a list.
func (d drawing) choiceLabel(field forms.Field, value string) string {
	for _, o := range field.Options {
		if o.Value == value {
			return o.Label
		}
	}
	for _, l := range d.lists.languages {
		if strings.EqualFold(l.Code, value) {
			return l.Name
		}
	}
	return value
}

// holdsNow tells whether one of a field's rules holds for what is filled in.
func (d drawing) holdsNow(field forms.Field) bool {
	return slices.ContainsFunc(field.RequiredWhen, func(r forms.Rule) bool {
		name := r.Field
		if forms.CoreKind(r.Field) == "" {
			name = "fields." + r.Field
		}
		filled := d.values[name]
		if r.Field == "duration" {
			filled = slices.Concat(d.values["duration.hours"], d.values["duration.minutes"])
		}
		notApplicable := len(filled) == 1 && strings.EqualFold(strings.TrimSpace(filled[0]), "N/A")
		return r.Holds(map[string]domain.Value{r.Field: {Items: filled, NotApplicable: notApplicable}}, forms.Core{r.Field: filled}) && !notApplicable
	})
}
