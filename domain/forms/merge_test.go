package forms_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dragoman-booking/dragoman/domain/forms"
)

func told(all []forms.Difference) (out []string) {
	for _, d := range all {
		line := d.What + " " + d.Part
		if d.Key != "" {
			line += " " + d.Key
		}
		if d.Property != "" {
			line += fmt.Sprintf(" %s: %q, then %q", d.Property, d.Before, d.After)
		}
		out = append(out, line)
	}
	return out
}

// moveTo puts a field before another one.
func moveTo(f *forms.Form, key, before string) {
	x := *field(f, key)
	f.Fields = slices.DeleteFunc(slices.Clone(f.Fields), func(y forms.Field) bool { return y.Key == key })
	f.Fields = slices.Insert(f.Fields, slices.IndexFunc(f.Fields, func(y forms.Field) bool { return y.Key == before }), x)
}

func TestDifferencesOfVersions(t *testing.T) {
	t.Parallel()
	before, after := forms.Standard(), forms.Standard()
	after.Version, after.Name = 2, "Booking"
	after.Sections[4].Label = "Remarks"
	after.Fields = slices.Delete(after.Fields, len(after.Fields)-1, len(after.Fields))
	after.Fields = append(after.Fields, text("poNumber"))
	field(&after, "consumer").Required = true
	field(&after, "serviceType").Options = field(&after, "serviceType").Options[:1]
	moveTo(&after, "notificationEmail", "requestedBy")
	after.Notices = []forms.Notice{{Key: "closed", Text: "Closed on Monday."}}
	want := []string{
		`changed form name: "Interpreter booking", then "Booking"`,
		`changed section notes label: "Notes", then "Remarks"`,
		`moved field requestedBy`, // of two that change their places, the one that stands later now
		`changed field serviceType options: "Face to face (face-to-face), Remote (remote)", then "Face to face (face-to-face)"`,
		`changed field consumer required: "", then "yes"`,
		`added field poNumber`,
		`removed field jobDetails`,
		`added notice closed`,
	}
	if got := told(forms.Differences(before, after)); !slices.Equal(got, want) {
		t.Errorf("differences\n%q\nwant\n%q", got, want)
	}
	if got := forms.Differences(after, after); len(got) > 0 {
		t.Errorf("a form differs from itself: %q", told(got))
	}
}

func TestTwoWhoChangeDifferentThings(t *testing.T) {
	t.Parallel()
	base, mine, theirs := forms.Standard(), forms.Standard(), forms.Standard()
	theirs.Version = 2
	mine.Fields = append(slices.Clone(mine.Fields), text("mineOnly"))
	field(&mine, "consumer").Help = "Mine."
	mine.Fields = slices.DeleteFunc(mine.Fields, func(f forms.Field) bool { return f.Key == "appointmentNotes" })
	theirs.Name = "Theirs"
	theirs.Fields = append(slices.Clone(theirs.Fields), text("theirsOnly"))
	field(&theirs, "jobDetails").Label = "Details"
	theirs.Fields = slices.DeleteFunc(theirs.Fields, func(f forms.Field) bool { return f.Key == "additionalReferences" })
	moveTo(&theirs, "jobDetails", "consumer")

	merged, clashes := forms.Merge(base, mine, theirs)
	if len(clashes) > 0 {
		t.Errorf("clashes %q", told(clashes))
	}
	want := []string{
		`changed form name: "Interpreter booking", then "Theirs"`,
		`moved field jobDetails`,
		`changed field jobDetails label: "Job Details", then "Details"`,
		`changed field consumer help: "The person who receives the service.", then "Mine."`,
		`added field theirsOnly`,
		`added field mineOnly`,
		`removed field additionalReferences`,
		`removed field appointmentNotes`,
	}
	got := told(forms.Differences(base, merged))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("merged has\n%q\nwant\n%q", got, want)
	}
	if merged.Version != 2 {
		t.Errorf("it is based on version %d", merged.Version)
	}
	if again, _ := forms.Merge(theirs, merged, theirs); len(forms.Differences(merged, again)) > 0 {
		t.Error("merged once more it changes")
	}
}

func TestTwoWhoChangeTheSame(t *testing.T) {
	t.Parallel()
	base, mine, theirs := forms.Standard(), forms.Standard(), forms.Standard()
	field(&mine, "consumer").Help = "Mine."
	field(&theirs, "consumer").Help = "Theirs."
	mine.Prefix, theirs.Prefix = "MIN", "THE"
	theirs.Fields = slices.DeleteFunc(slices.Clone(theirs.Fields), func(f forms.Field) bool { return f.Key == "jobDetails" })
	field(&mine, "jobDetails").Label = "Mine"
	merged, clashes := forms.Merge(base, mine, theirs)
	if field(&merged, "consumer").Help != "Mine." || merged.Prefix != "MIN" || field(&merged, "jobDetails").Label != "Mine" {
		t.Error("what was typed here does not stand")
	}
	want := []string{`changed form prefix: "THE", then "MIN"`, `changed field consumer help: "Theirs.", then "Mine."`, `added field jobDetails`}
	if got := told(clashes); !slices.Equal(got, want) {
		t.Errorf("clashes %q, want %q", got, want)
	}
}
