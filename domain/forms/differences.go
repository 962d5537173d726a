package forms

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Words of Difference.What.
const (
	Added   = "added"
	Removed = "removed"
	Moved   = "moved"
	Changed = "changed"
)

// Words of Difference.Part, which are also the parts that an editor works on. OfForm: the form's own properties.
const (
	OfForm   = "form"
	SectionP = "section"
	FieldP   = "field"
	NoticeP  = "notice"
)

// Difference is what a later version of a form has otherwise than an earlier one.
type Difference struct {
	Part  string // form, section, field, notice
	Key   string // of the part; empty for the form
	Label string // what people call it, in the later version if it is there
	What  string // added, removed, moved, changed
	// Property is what of it changed, by its name in the contract; Before and After are its values as people write them. Empty otherwise.
	Property      string
	Before, After string
}

// Differences are what after has otherwise than before: the form's own properties, then sections, fields and notices in after's order, what was
// removed last of each.
func Differences(before, after Form) []Difference {
	var out []Difference
	properties(Difference{Part: OfForm, Label: after.Name}, shell(before), shell(after), &out)
	compare(SectionP, before.Sections, after.Sections, func(s Section) (string, string) { return s.Key, s.Label }, &out)
	compare(FieldP, before.Fields, after.Fields, func(f Field) (string, string) { return f.Key, f.Label }, &out)
	compare(NoticeP, before.Notices, after.Notices, func(n Notice) (string, string) { return n.Key, n.Text }, &out)
	return out
}

// shell is a form without its parts and what is counted.
func shell(f Form) Form {
	f.Version, f.Sections, f.Fields, f.Notices = 0, nil, nil, nil
	return f
}

func compare[T any](part string, before, after []T, name func(T) (key, label string), out *[]Difference) {
	keys := func(all []T) (list []string) {
		for _, x := range all {
			key, _ := name(x)
			list = append(list, key)
		}
		return list
	}
	was, is := keys(before), keys(after)
	moved := strayed(was, is)
	for _, x := range after {
		key, label := name(x)
		i := slices.Index(was, key)
		if i < 0 {
			*out = append(*out, Difference{Part: part, Key: key, Label: label, What: Added})
			continue
		}
		if slices.Contains(moved, key) {
			*out = append(*out, Difference{Part: part, Key: key, Label: label, What: Moved})
		}
		properties(Difference{Part: part, Key: key, Label: label}, before[i], x, out)
	}
	for _, x := range before {
		if key, label := name(x); !slices.Contains(is, key) {
			*out = append(*out, Difference{Part: part, Key: key, Label: label, What: Removed})
		}
	}
}

// strayed are the keys of both lists that are not among the longest run of them which kept its order: the fewest that were moved.
func strayed(was, is []string) []string {
	var common []int // places in was, in is's order
	var keys []string
	for _, key := range is {
		if i := slices.Index(was, key); i >= 0 {
			common, keys = append(common, i), append(keys, key)
		}
	}
	best, from, last := make([]int, len(common)), make([]int, len(common)), -1
	for i := range common {
		best[i], from[i] = 1, -1
		for j := range i {
			if common[j] < common[i] && best[j]+1 > best[i] {
				best[i], from[i] = best[j]+1, j
			}
		}
		if last < 0 || best[i] > best[last] {
			last = i
		}
	}
	kept := map[int]bool{}
	for i := last; i >= 0; i = from[i] {
		kept[i] = true
	}
	var out []string
	for i, key := range keys {
		if !kept[i] {
			out = append(out, key)
		}
	}
	return out
}

// properties compares two values by their JSON, property by property.
func properties(d Difference, before, after any, out *[]Difference) {
	was, is := flat(before), flat(after)
	names := map[string]bool{}
	for name := range was {
		names[name] = true
	}
	for name := range is {
		names[name] = true
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		if was[name] != is[name] {
			d.What, d.Property, d.Before, d.After = Changed, name, was[name], is[name]
			*out = append(*out, d)
		}
	}
}

// flat are a value's properties as texts; lists are written one after the other.
func flat(v any) map[string]string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("forms: a form as JSON: %v", err)) // it holds texts, numbers and lists of them
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		panic(fmt.Sprintf("forms: a form from JSON: %v", err))
	}
	out := make(map[string]string, len(all))
	for name, value := range all {
		if text := written(value); text != "" {
			out[name] = text
		}
	}
	return out
}

func written(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "yes"
		}
		return ""
	case []any:
		parts := make([]string, 0, len(v))
		for _, item := range v {
			parts = append(parts, written(item))
		}
		return strings.Join(parts, ", ")
	case map[string]any: // an option, a rule
		if label, is := v["label"].(string); is {
			return fmt.Sprintf("%s (%v)", label, v["value"])
		}
		if field, is := v["field"].(string); is {
			if values := written(v["is"]); values != "" {
				return field + ": " + values
			}
			return field
		}
	}
	return fmt.Sprint(v)
}
