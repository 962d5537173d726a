package forms_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
)

var (
	police  = uuid.MustParse("00000000-0000-0000-0000-0000000000a1")
	council = uuid.MustParse("00000000-0000-0000-0000-0000000000a2")
)

func text(key string) forms.Field {
	return forms.Field{Key: key, Label: key, Section: "appointment", Place: forms.Above, Kind: forms.KindText, Visibility: forms.VisibleCustomer, Personal: forms.NotPersonal}
}

// faultsWith defines the standard form changed so, after the versions that came before.
func faultsWith(change func(*forms.Form), before ...forms.Form) []string {
	f := forms.Standard()
	change(&f)
	known := forms.Known{Customers: map[uuid.UUID]bool{police: true}, ServiceTypes: []string{forms.ServiceFaceToFace, forms.ServiceRemote}}
	_, err := forms.Define{Form: f, Known: known}.Decide(forms.FormState{Versions: before})
	return faultsOf(err)
}

func field(f *forms.Form, key string) *forms.Field {
	i := slices.IndexFunc(f.Fields, func(x forms.Field) bool { return x.Key == key })
	return &f.Fields[i]
}

func TestWhatAFormMayNotBe(t *testing.T) {
	t.Parallel()
	last := len(forms.Standard().Fields)
	added := func(change func(*forms.Field)) func(*forms.Form) {
		return func(f *forms.Form) {
			x := text("poNumber")
			change(&x)
			f.Fields = append(f.Fields, x)
		}
	}
	at := func(property string) string { return fmt.Sprintf("fields[%d].%s", last, property) }
	of := func(key, property string) string {
		f := forms.Standard()
		return fmt.Sprintf("fields[%d].%s", slices.IndexFunc(f.Fields, func(x forms.Field) bool { return x.Key == key }), property)
	}
	without := func(key string) func(*forms.Form) {
		return func(f *forms.Form) {
			f.Fields = slices.DeleteFunc(f.Fields, func(x forms.Field) bool { return x.Key == key })
		}
	}
	listed := func(x *forms.Field) {
		x.Kind, x.Options = forms.KindOption, []forms.Option{{Value: "a", Label: "A"}, {Value: "b", Label: "B"}}
	}
	for name, c := range map[string]struct {
		change func(*forms.Form)
		want   []string
	}{
		"nothing":                           {func(*forms.Form) {}, nil},
		"a field more":                      {added(func(*forms.Field) {}), nil},
		"for a customer":                    {added(func(x *forms.Field) { x.Customers = []uuid.UUID{police} }), nil},
		"for a stranger, and twice":         {added(func(x *forms.Field) { x.Customers = []uuid.UUID{police, council, police} }), []string{at("customers[1]"), at("customers[2]")}},
		"required and not asked for":        {added(func(x *forms.Field) { x.Required, x.EditOnly = true, true }), []string{at("required")}},
		"fixed, required and empty":         {added(func(x *forms.Field) { x.Required, x.Fixed = true, true }), []string{at("default")}},
		"fixed, yet for customers":          {added(func(x *forms.Field) { x.Default, x.Fixed, x.Editable = "text", true, true }), []string{at("editable")}},
		"a fixed list":                      {added(func(x *forms.Field) { listed(x); x.Fixed, x.Default = true, "a" }), []string{at("fixed")}},
		"a default that would be refused":   {added(func(x *forms.Field) { x.Kind, x.Personal, x.Default = forms.KindEmail, forms.AboutContact, "nobody" }), []string{at("default")}},
		"two options with one label":        {added(func(x *forms.Field) { listed(x); x.Options[1].Label = "a" }), []string{at("options[1]")}},
		"a help text too long":              {added(func(x *forms.Field) { x.Help = strings.Repeat("é", forms.MaxMultiline+1) }), []string{at("help")}},
		"a rule on itself":                  {added(func(x *forms.Field) { x.RequiredWhen = []forms.Rule{{Field: "poNumber"}} }), []string{at("requiredWhen[0].field")}},
		"a rule on an unknown field":        {added(func(x *forms.Field) { x.RequiredWhen = []forms.Rule{{Field: "consumer"}, {Field: "colour"}} }), []string{at("requiredWhen[1].field")}},
		"a rule beside always":              {added(func(x *forms.Field) { x.Required, x.RequiredWhen = true, []forms.Rule{{Field: "consumer"}} }), []string{at("requiredWhen")}},
		"a rule on a service":               {added(func(x *forms.Field) { x.RequiredWhen = []forms.Rule{{Field: "serviceType", Is: []string{"remote"}}} }), nil},
		"a rule on an unknown service":      {added(func(x *forms.Field) { x.RequiredWhen = []forms.Rule{{Field: "serviceType", Is: []string{"by-post"}}} }), []string{at("requiredWhen[0].is")}},
		"a rule on the words of a text":     {added(func(x *forms.Field) { x.RequiredWhen = []forms.Rule{{Field: "consumer", Is: []string{"Ann"}}} }), []string{at("requiredWhen[0].is")}},
		"a meaning of its own":              {added(func(x *forms.Field) { x.Key = "precludedInterpreter" }), []string{at("kind")}},
		"a flexibility that nobody knows":   {added(func(x *forms.Field) { listed(x); x.Key = "flexibility" }), []string{at("options[0]"), at("options[1]")}},
		"a gender that nobody has":          {added(func(x *forms.Field) { listed(x); x.Key = "gender"; x.Options[0].Value = "female" }), []string{at("options[1]")}},
		"the consumer twice":                {added(func(x *forms.Field) { x.Key, x.Personal = "nonEnglishSpeaker", forms.AboutSpeaker }), []string{"fields"}},
		"a speaker who is nobody":           {func(f *forms.Form) { field(f, "consumer").Personal = forms.NotPersonal }, []string{of("consumer", "personal")}},
		"no language":                       {without("language"), []string{"fields"}},
		"no location":                       {without("location"), []string{"fields"}},
		"no service type":                   {without("serviceType"), []string{"fields"}},
		"an optional start":                 {func(f *forms.Form) { field(f, "start").Required = false }, []string{of("start", "required")}},
		"a language for one customer":       {func(f *forms.Form) { field(f, "language").Customers = []uuid.UUID{police} }, []string{of("language", "customers")}},
		"a service without a price":         {func(f *forms.Form) { field(f, "serviceType").Options[1].Value = "by-post" }, []string{of("serviceType", "options[1]")}},
		"half an hour less than none":       {func(f *forms.Form) { field(f, "duration").Default = "0:00" }, []string{of("duration", "default")}},
		"a section twice":                   {func(f *forms.Form) { f.Sections = append(f.Sections, f.Sections[0]) }, []string{"sections[5].key"}},
		"a form that books an unpriced one": {func(f *forms.Form) { f.ServiceType = "by-post" }, []string{"serviceType"}},
	} {
		if got := faultsWith(c.change); !slices.Equal(got, c.want) {
			t.Errorf("%s: faults at %v, want %v", name, got, c.want)
		}
	}
	narrow := faultsWith(func(f *forms.Form) {
		a, b := text("poNumber"), text("poDate")
		a.Customers, b.RequiredWhen = []uuid.UUID{police}, []forms.Rule{{Field: "poNumber"}}
		f.Fields = append(f.Fields, a, b)
	})
	if want := []string{fmt.Sprintf("fields[%d].requiredWhen[0].field", last+1)}; !slices.Equal(narrow, want) {
		t.Errorf("a rule on what others are not asked: faults at %v, want %v", narrow, want)
	}
}

// TestWhatStoredBookingsDoNotAllow: bookings were made with earlier versions. What they hold sealed is never asked for in clear, not even by way of a
// version without the field, and a key keeps its kind of value.
func TestWhatStoredBookingsDoNotAllow(t *testing.T) {
	t.Parallel()
	first, second := forms.Standard(), forms.Standard()
	first.Fields = append(first.Fields, forms.Field{Key: "badge", Label: "Badge", Section: "appointment", Place: forms.Above, Kind: forms.KindText,
		Visibility: forms.VisibleCustomer, Personal: forms.AboutContact})
	second.Version = 2
	at := len(second.Fields)
	for name, c := range map[string]struct {
		change func(*forms.Field)
		want   []string
	}{
		"as it was":         {func(x *forms.Field) { x.Personal = forms.AboutContact }, nil},
		"of somebody else":  {func(x *forms.Field) { x.Personal = forms.AboutSpeaker }, nil},
		"longer":            {func(x *forms.Field) { x.Personal, x.Kind = forms.PersonalNote, forms.KindMultiline }, nil},
		"about nobody":      {func(*forms.Field) {}, []string{fmt.Sprintf("fields[%d].personal", at)}},
		"of another kind":   {func(x *forms.Field) { x.Personal, x.Kind = forms.AboutContact, forms.KindEmail }, []string{fmt.Sprintf("fields[%d].kind", at)}},
		"under another key": {func(x *forms.Field) { x.Key = "badgeNumber" }, nil},
	} {
		got := faultsWith(func(f *forms.Form) {
			x := text("badge")
			c.change(&x)
			f.Fields = append(f.Fields, x)
		}, first, second)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: faults at %v, want %v", name, got, c.want)
		}
	}
}

func TestII41_AFieldForOneCustomer(t *testing.T) {
	t.Parallel()
	f := forms.Standard()
	po := text("poNumber")
	po.Required, po.Customers = true, []uuid.UUID{police}
	f.Fields = append(f.Fields, po)
	in := texts("requestedBy", "Ann", "notificationEmail", "ann@council.example")
	if _, faults, _ := f.For(police).Validate(in, forms.OnCreate, noon); len(faults) != 1 || faults[0].Location != "body.fields.poNumber" {
		t.Errorf("the police without it: %v", faults)
	}
	if _, faults, _ := f.For(council).Validate(in, forms.OnCreate, noon); len(faults) > 0 {
		t.Errorf("the council without it: %v", faults)
	}
	in["poNumber"] = []string{"PO-1"}
	if values, faults, _ := f.For(police).Validate(in, forms.OnCreate, noon); len(faults) > 0 || values["poNumber"].First() != "PO-1" {
		t.Errorf("the police with it: %v", faults)
	}
	if _, faults, _ := f.For(council).Validate(in, forms.OnCreate, noon); len(faults) != 1 || faults[0].Message != "This form has no such field." {
		t.Errorf("the council with it: %v", faults)
	}
	for who, seen := range map[string]forms.Form{"the police": f.For(police), "the council": f.For(council), "everyone": f.General(),
		"a reader of nothing": f.Holding(nil), "a reader of one": f.Holding(map[string]domain.Value{"poNumber": domain.Text("PO-1")})} {
		if slices.ContainsFunc(seen.Fields, func(x forms.Field) bool { return len(x.Customers) > 0 }) {
			t.Errorf("%s read whom a field is for", who)
		}
		if _, has := seen.Field("poNumber"); has != (who == "the police" || who == "a reader of one") {
			t.Errorf("%s: the field is there: %v", who, has)
		}
	}
	if len(f.Fields[len(f.Fields)-1].Customers) != 1 {
		t.Error("the form itself was changed")
	}
}

func TestRequiredWhen(t *testing.T) {
	t.Parallel()
	f := forms.Standard()
	list, link, why := text("channel"), text("link"), text("why")
	list.Kind, list.Options, list.Default = forms.KindOption, []forms.Option{{Value: "phone", Label: "By phone"}, {Value: "video", Label: "By video"}}, "phone"
	link.RequiredWhen = []forms.Rule{{Field: "channel", Is: []string{"video"}}, {Field: "serviceType", Is: []string{"remote"}}}
	why.RequiredWhen = []forms.Rule{{Field: "consumer"}}
	f.Fields = append(f.Fields, list, link, why)
	if _, err := (forms.Define{Form: f}).Decide(forms.FormState{}); err != nil {
		t.Fatalf("%v at %v", err, faultsOf(err))
	}
	at := func(faults []domain.FieldError) (keys []string) {
		for _, e := range faults {
			keys = append(keys, strings.TrimPrefix(e.Location, "body.fields."))
		}
		return keys
	}
	service := func(s string) forms.Core { return forms.Core{"serviceType": {s}} }
	for _, c := range []struct {
		in   map[string][]string
		core forms.Core
		want []string
	}{
		{nil, service("face-to-face"), nil},
		{nil, service("remote"), []string{"link"}},
		{texts("channel", "video"), service("face-to-face"), []string{"link"}},
		{texts("channel", "By Video"), service("face-to-face"), []string{"link"}},
		{texts("channel", "video", "link", "https://call.example/1"), service("remote"), nil},
		{texts("channel", "video", "link", "n/a"), service("remote"), nil}, // D-04
		{texts("consumer", "Ann"), nil, []string{"why"}},
		{texts("consumer", "N/A"), nil, nil},
		{texts("consumer", " "), nil, nil},
	} {
		if got := at(f.Wanting(f.Sent(c.in), c.core, forms.OnCreate, nil)); !slices.Equal(got, c.want) {
			t.Errorf("%v, %v: wanting %v, want %v", c.in, c.core, got, c.want)
		}
	}
	held := map[string]domain.Value{"channel": domain.Text("video"), "consumer": domain.Private("Ann")}
	for touched, want := range map[string][]string{"requestedBy": nil, "channel": {"link"}, "link": {"link"}, "consumer": {"why"}} {
		got := at(f.Wanting(held, nil, forms.OnChange, func(key string) bool { return key == touched }))
		if !slices.Equal(got, want) {
			t.Errorf("an edit of %s: wanting %v, want %v", touched, got, want)
		}
	}

	field(&f, "client").Required = true
	if got := f.Wanting(nil, forms.Core{}, forms.OnCreate, nil); len(got) != 1 || got[0].Location != "body.client" {
		t.Errorf("a form that asks for a client without one: %v", got)
	}
}

func TestAnotherIDIsAnotherForm(t *testing.T) {
	t.Parallel()
	f := forms.Standard()
	f.ID, f.Prefix, f.Initial = "events", "EVT", "requested"
	events, err := forms.Define{Form: f}.Decide(forms.FormState{})
	var r *domain.Refusal
	if errors.As(err, &r) {
		t.Fatalf("a new form: %v at %v", err, faultsOf(err))
	}
	if len(events) != 1 || events[0].(forms.Defined).Form.Version != 1 {
		t.Errorf("a new form: %+v", events)
	}
}
