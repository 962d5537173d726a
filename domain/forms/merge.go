package forms

import "slices"

// Merge takes over into mine what theirs changed of base: two people who change different things of a form do not undo each other. Both sides change
// a whole property of the form, a whole section, a whole field or a whole notice; where both changed the same one, mine stands and its difference to
// theirs is named. An order that mine left as it was is theirs; otherwise what they added stands behind what it followed there.
func Merge(base, mine, theirs Form) (merged Form, clashes []Difference) {
	merged = mine
	merged.Version = theirs.Version
	one := func(base, mine, theirs *string) { *mine = *either(base, mine, theirs) }
	one(&base.Name, &merged.Name, &theirs.Name)
	one(&base.Prefix, &merged.Prefix, &theirs.Prefix)
	one(&base.Initial, &merged.Initial, &theirs.Initial)
	one(&base.ServiceType, &merged.ServiceType, &theirs.ServiceType)
	one(&base.Address, &merged.Address, &theirs.Address)
	merged.AddressLocked = *either(&base.AddressLocked, &merged.AddressLocked, &theirs.AddressLocked)
	merged.CancelNeeds = *either(&base.CancelNeeds, &merged.CancelNeeds, &theirs.CancelNeeds)
	merged.Sections = mergeParts(base.Sections, mine.Sections, theirs.Sections, func(s Section) string { return s.Key })
	merged.Fields = mergeParts(base.Fields, mine.Fields, theirs.Fields, func(f Field) string { return f.Key })
	merged.Notices = mergeParts(base.Notices, mine.Notices, theirs.Notices, func(n Notice) string { return n.Key })

	theirChanges, myChanges := Differences(base, theirs), Differences(base, mine)
	for _, d := range Differences(theirs, merged) {
		same := func(o Difference) bool {
			return o.Part == d.Part && o.Key == d.Key && (d.Part != OfForm || o.Property == d.Property)
		}
		if d.What != Moved && slices.ContainsFunc(theirChanges, same) && slices.ContainsFunc(myChanges, same) {
			clashes = append(clashes, d)
		}
	}
	return merged, clashes
}

// either is mine if it is not base's, else theirs.
func either[T any](base, mine, theirs *T) *T {
	if alike(base, mine) {
		return theirs
	}
	return mine
}

func mergeParts[T any](base, mine, theirs []T, key func(T) string) []T {
	find := func(all []T, k string) *T {
		if i := slices.IndexFunc(all, func(x T) bool { return key(x) == k }); i >= 0 {
			return &all[i]
		}
		return nil
	}
	keys := func(all []T) (list []string) {
		for _, x := range all {
			list = append(list, key(x))
		}
		return list
	}
	// What of each key there shall be; nil: it is gone.
	stands := func(k string) *T {
		b, m, t := find(base, k), find(mine, k), find(theirs, k)
		switch {
		case b == nil && m == nil, m != nil && b != nil && alike(b, m): // mine did not touch it
			return t
		default:
			return m
		}
	}
	order, others := keys(mine), keys(theirs)
	if len(strayed(keys(base), order)) == 0 {
		order, others = others, order
	}
	for i, k := range others { // what the other order has more stands behind what it follows there
		if slices.Contains(order, k) {
			continue
		}
		at := 0
		for _, before := range slices.Backward(others[:i]) {
			if j := slices.Index(order, before); j >= 0 {
				at = j + 1
				break
			}
		}
		order = slices.Insert(slices.Clone(order), at, k)
	}
	var out []T
	for _, k := range order {
		if x := stands(k); x != nil {
			out = append(out, *x)
		}
	}
	return out
}
