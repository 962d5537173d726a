package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// search is an office with interpreters of a language that nobody else of the demo speaks, so that a search finds exactly these.
type search struct {
	*office
	ids map[string]string // by LIN
	day int               // the last day that was given away
}

const rareLanguage = "wo"

// TestCandidates checks over HTTP who is found for a job, in which order, and why (LL-25..39, M-03, N-03, N-04). All share one server; each
// looks for interpreters of its own.
func TestCandidates(t *testing.T) {
	t.Parallel()
	s := &search{office: newOffice(t), ids: map[string]string{}}
	for _, rule := range []struct {
		name string
		hold func(*search)
	}{
		{"LL25_SkillsNarrow", candidateSkills},
		{"LL26_AlternativeLanguagesBelow", candidateAlternatives},
		{"LL28_AShiftedTimeEndsAsAnETA", candidateShift},
		{"LL28_TheOtherStartOnThePage", candidateShiftPage},
		{"LL30_RemoteWidens", candidateRemote},
		{"LL32_GenderRanksUnlessRequired", candidateGender},
		{"LL34_EachOptionalValueWidens", candidateWidened},
		{"LL38_LL39_PreferredFirstPrecludedNever", candidatePreferences},
		{"M03_TheWayBetweenJobs", candidateTravel},
		{"M03_PostcodesAndSettings", candidatePostcodes},
		{"N03_TheCustodyClock", candidateCustody},
		{"N04_WhyAndAsOf", candidateAsOf},
		{"N04_CutToTheRole", candidateRoles},
		{"N04_WhyWhoWasAsked", candidateReasons},
		{"II38_ServiceTypes", candidateServices},
		{"LL90_LL130_NotTheBusyNorTheSuspended", candidateBusy},
	} {
		t.Run(rule.name, func(t *testing.T) {
			s.in(t)
			s.clock("2020-03-02T09:00:00Z")
			rule.hold(s)
		})
	}
}

// person registers an interpreter of the rare language.
func (s *search) person(lin string, change map[string]any) string {
	s.t.Helper()
	body := map[string]any{"lin": lin, "name": "Person " + lin[len(lin)-5:], "gender": "female", "languages": []string{rareLanguage}, "skills": []string{"spoken-only"},
		"credentials": []any{map[string]any{"kind": "dbs", "validFrom": "2015-01-01", "validTo": "2099-12-31"}}}
	for k, v := range change {
		body[k] = v
	}
	id := s.as("admin").do("POST", "/interpreters", body).body["id"].(string)
	s.ids[lin] = id
	return id
}

// gone suspends everyone, so that the next search finds others.
func (s *search) gone() {
	for lin, id := range s.ids {
		s.as("assigner").do("POST", "/interpreters/"+id+"/suspend", map[string]any{"reason": "test"})
		delete(s.ids, lin)
	}
}

// nextDay is a day that nothing else happens on.
func (s *search) nextDay() string {
	s.day += 9 // beyond the horizon of every search
	month, day := 4+s.day/28, 1+s.day%28
	return fmt.Sprintf("2020-%02d-%02d", month, day)
}

// want books a job of the rare language.
func (s *search) want(start string, change ...func(body, fields map[string]any)) string {
	s.t.Helper()
	return s.book(start, 60, append([]func(body, fields map[string]any){func(b, _ map[string]any) { b["language"] = rareLanguage }}, change...)...)
}

// found are the LINs of a job's candidates in order.
func (s *search) found(ref string) (lins []string) {
	s.t.Helper()
	for _, i := range s.read("assigner", "/jobs/"+ref+"/candidates?only=eligible&limit=500").items() {
		lins = append(lins, i["lin"].(string))
	}
	return lins
}

func (s *search) finds(what, ref string, want ...string) {
	s.t.Helper()
	if got := s.found(ref); !slices.Equal(got, want) {
		s.t.Errorf("%s: found are %v, want %v", what, got, want)
	}
}

// alone is what is said about one interpreter and a job.
func (s *search) alone(user, ref, lin string, query ...string) map[string]any {
	s.t.Helper()
	return s.read(user, "/jobs/"+ref+"/candidates/"+s.ids[lin]+strings.Join(query, "")).body
}

// because is what a trace says about a rule; nil: nothing.
func because(candidate map[string]any, rule string) map[string]any {
	for _, r := range objectsOf(candidate["reasons"]) {
		if r["rule"] == rule {
			return r
		}
	}
	return nil
}

func (s *search) says(what string, candidate map[string]any, rule, finding, text string) map[string]any {
	s.t.Helper()
	b := because(candidate, rule)
	if b == nil || b["finding"] != finding || !strings.Contains(b["text"].(string), text) || b["version"] != float64(1) {
		s.t.Errorf("%s: of %s it says %v, want %s: %s", what, rule, b, finding, text)
		return map[string]any{}
	}
	facts, _ := b["facts"].(map[string]any)
	return facts
}

func candidateSkills(s *search) {
	s.person("LIN/SK10/AAAAA", nil)
	s.person("LIN/SK10/BBBBB", map[string]any{"skills": []string{"spoken-only", "spoken-and-written"}})
	day := s.nextDay()
	s.finds("untouched, everyone can do it", s.want(day+"T10:00"), "LIN/SK10/AAAAA", "LIN/SK10/BBBBB")
	ref := s.want(day+"T12:00", func(_, f map[string]any) { f["skills"] = "spoken-and-written" })
	s.finds("spoken and written", ref, "LIN/SK10/BBBBB")
	s.says("the other", s.alone("assigner", ref, "LIN/SK10/AAAAA"), "skill", "against", "Lacks: Spoken and written.")
	s.gone()
}

func candidateAlternatives(s *search) {
	s.person("LIN/AL10/AAAAA", map[string]any{"languages": []string{"ln"}})
	s.person("LIN/AL10/BBBBB", nil)
	ref := s.want(s.nextDay()+"T10:00", func(b, _ map[string]any) { b["alternativeLanguages"] = []string{"ln"} })
	s.finds("ranked below", ref, "LIN/AL10/BBBBB", "LIN/AL10/AAAAA")
	s.says("an alternative", s.alone("assigner", ref, "LIN/AL10/AAAAA"), "language", "for", "Speaks Lingala, an alternative language; not Wolof.")
	s.gone()
}

func candidateShift(s *search) {
	s.person("LIN/FL10/AAAAA", nil)
	s.person("LIN/FL10/BBBBB", nil)
	day := s.nextDay()
	s.do("assigner", s.want(day+"T10:00"), "assign", map[string]any{"interpreter": "LIN/FL10/AAAAA"})
	ref := s.want(day+"T10:00", func(_, f map[string]any) { f["flexibility"] = "2-hours" })
	s.finds("the requested time before a shifted one", ref, "LIN/FL10/BBBBB", "LIN/FL10/AAAAA")
	shifted := s.alone("assigner", ref, "LIN/FL10/AAAAA")
	facts := s.says("shifted", shifted, "shift", "noted", "Could begin at 11:00, 1 h later than asked for")
	if shifted["start"] != facts["start"] || facts["shiftMinutes"] != float64(60) || shifted["shifted"] != true {
		s.t.Errorf("shifted to %v, the facts are %v", shifted["start"], facts)
	}
	s.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{"LIN/FL10/AAAAA"}, "proposedStart": day + "T11:00"})
	s.do("assigner", ref, "accept-offer", map[string]any{"interpreter": "LIN/FL10/AAAAA"})
	s.do("assigner", ref, "assign", map[string]any{"interpreter": "LIN/FL10/AAAAA"})
	if eta, _ := s.job("assigner", ref)["eta"].(string); !strings.HasPrefix(eta, day+"T11:00") {
		s.t.Errorf("the shift ended as the ETA %v", eta)
	}
	s.gone()
}

// candidateShiftPage: the page to send offers takes up another start with one press. What was typed and ticked stays, and a start that comes twice is
// said and sent with its offset.
func candidateShiftPage(s *search) {
	t := s.t
	s.person("LIN/FP10/AAAAA", nil)
	s.person("LIN/FP10/BBBBB", nil)
	s.do("assigner", s.want("2020-10-25T00:00"), "assign", map[string]any{"interpreter": "LIN/FP10/AAAAA"})
	ref := s.want("2020-10-25T00:00", func(_, f map[string]any) { f["flexibility"] = "2-hours" })
	s.found(ref) // from what the page is made of
	b := browse(t, s.base, "assigner")
	form := b.see("/jobs/" + ref + "/send-offer")
	wants(t, form, "Offer 25/10/2020 01:00 +01:00 to")
	typed, _ := formValues(form.byID("send-offer"))
	typed.Set("override", "asked by telephone")
	typed.Set("interpreters", s.ids["LIN/FP10/BBBBB"])
	typed.Set("offer-at", attr(first(form.doc, func(n *html.Node) bool { return attr(n, "name") == "offer-at" }), "value"))
	taken := b.see("/jobs/" + ref + "/send-offer?" + typed.Encode())
	sent, _ := formValues(taken.byID("send-offer"))
	if want := sorted(s.ids["LIN/FP10/AAAAA"], s.ids["LIN/FP10/BBBBB"]); !slices.Equal(sorted(sent["interpreters"]...), want) ||
		sent.Get("override") != "asked by telephone" || sent.Get("proposedStart") != "2020-10-25T01:00" || sent.Get("proposedStart.offset") != "+01:00" {
		t.Errorf("taken up, the form holds %v", sent)
	}
	wants(t, taken, "the one with UTC offset +01:00")
	done(b, b.submit(taken, "send-offer", map[string][]string{"interpreters": {s.ids["LIN/FP10/AAAAA"]}, "override": {""}}), "send-offer")
	if offers := objectsOf(s.job("assigner", ref)["offers"]); len(offers) != 1 || offers[0]["proposedStart"] != "2020-10-25T01:00:00+01:00" {
		t.Errorf("offered was %v", offers)
	}
	s.gone()
}

func candidateRemote(s *search) {
	s.person("LIN/RE10/AAAAA", map[string]any{"serviceTypes": []string{"remote"}})
	s.person("LIN/RE10/BBBBB", nil)
	day := s.nextDay()
	s.finds("in person", s.want(day+"T10:00"), "LIN/RE10/BBBBB")
	ref := s.want(day+"T12:00", func(_, f map[string]any) { f["remoteOption"] = "remote-acceptable" })
	s.finds("remote will do, in person before remote", ref, "LIN/RE10/BBBBB", "LIN/RE10/AAAAA")
	s.says("the remote one", s.alone("assigner", ref, "LIN/RE10/AAAAA"), "remote", "noted", "which the customer would accept")
	s.do("assigner", ref, "assign", map[string]any{"interpreter": "LIN/RE10/AAAAA"}) // what a search promises a command keeps
	s.gone()
}

func candidateGender(s *search) {
	s.person("LIN/GE10/AAAAA", map[string]any{"gender": "male"})
	s.person("LIN/GE10/BBBBB", nil)
	day := s.nextDay()
	ref := s.want(day+"T10:00", func(_, f map[string]any) { f["gender"] = "female" })
	s.finds("a preference ranks", ref, "LIN/GE10/BBBBB", "LIN/GE10/AAAAA")
	s.says("the other", s.alone("assigner", ref, "LIN/GE10/AAAAA"), "gender", "noted", "Is male; a female interpreter is wished.")
	s.finds("no preference", s.want(day+"T12:00"), "LIN/GE10/AAAAA", "LIN/GE10/BBBBB")

	// On a form that makes the field mandatory the wish excludes; on the other forms it still ranks alone.
	form := s.read("admin", "/forms/face-to-face").body
	form["id"], form["name"] = "by-gender", "By gender"
	fieldOf(s.t, form, "gender")["required"], fieldOf(s.t, form, "gender")["default"] = true, ""
	s.as("admin").do("PUT", "/forms/by-gender", form)
	customer := s.read("requestor", "/me").body["customer"].(string)
	s.as("admin").do("PATCH", "/customers/"+customer, map[string]any{"settings": map[string]any{"forms": []string{"face-to-face", "remote", "by-gender"}}})
	required := func(wish string) func(b, f map[string]any) {
		return func(b, f map[string]any) { b["form"], f["gender"] = "by-gender", wish }
	}
	must := s.want(day+"T14:00", required("female"))
	s.finds("a requirement excludes", must, "LIN/GE10/BBBBB")
	male := s.alone("assigner", must, "LIN/GE10/AAAAA")
	s.says("who is excluded", male, "gender", "against", "Is male; the form requires a female interpreter.")
	if male["eligible"] != false || male["rank"] != nil {
		s.t.Errorf("who is excluded is %v", male)
	}
	s.finds("the other way round", s.want(day+"T16:00", required("male")), "LIN/GE10/AAAAA")
	s.finds("whoever says that either will do", s.want(day+"T18:00", required("no-preference")), "LIN/GE10/AAAAA", "LIN/GE10/BBBBB")
	unsaid := s.booking(day+"T19:00", 60, required(""))
	problemIs(s.t, "unsaid", s.send("requestor", "POST", "/bookings", unsaid), 422, "invalid", "body.fields.gender")
	s.finds("the other form's job", ref, "LIN/GE10/BBBBB", "LIN/GE10/AAAAA")
	s.gone()
}

// candidateWidened: with no candidate for the exact request, each optional value brings in the expected one.
func candidateWidened(s *search) {
	s.person("LIN/WI10/AAAAA", map[string]any{"languages": []string{"ln"}})
	s.person("LIN/WI10/BBBBB", nil)
	s.person("LIN/WI10/CCCCC", map[string]any{"serviceTypes": []string{"remote"}})
	day := s.nextDay()
	s.do("assigner", s.want(day+"T10:00"), "assign", map[string]any{"interpreter": "LIN/WI10/BBBBB"})
	s.finds("the exact request", s.want(day+"T10:00"))
	for lin, widen := range map[string]func(b, f map[string]any){
		"LIN/WI10/AAAAA": func(b, _ map[string]any) { b["alternativeLanguages"] = []string{"ln"} },
		"LIN/WI10/BBBBB": func(_, f map[string]any) { f["flexibility"] = "1-hour" },
		"LIN/WI10/CCCCC": func(_, f map[string]any) { f["remoteOption"] = "video-acceptable" },
	} {
		s.finds("widened", s.want(day+"T10:00", widen), lin)
	}
	s.gone()
}

func candidatePreferences(s *search) {
	s.person("LIN/PR10/AAAAA", nil)
	s.person("LIN/PR10/BBBBB", nil)
	s.person("LIN/PR10/CCCCC", nil)
	ref := s.want(s.nextDay()+"T10:00", func(_, f map[string]any) {
		f["preferredInterpreter"], f["precludedInterpreter"] = "LIN/PR10/CCCCC", "LIN/PR10/AAAAA"
	})
	s.finds("preferred first", ref, "LIN/PR10/CCCCC", "LIN/PR10/BBBBB")
	precluded := s.alone("assigner", ref, "LIN/PR10/AAAAA")
	s.says("precluded", precluded, "precluded", "against", "does not want")
	if precluded["eligible"] != false || precluded["rank"] != nil || precluded["overridable"] != true {
		s.t.Errorf("the precluded interpreter is %v", precluded)
	}
	for _, command := range []string{"send-offer", "assign"} {
		body := map[string]any{"interpreter": "LIN/PR10/AAAAA"}
		if command == "send-offer" {
			body = map[string]any{"interpreters": []string{"LIN/PR10/AAAAA"}}
		}
		no := s.try("assigner", ref, command, body)
		problemIs(s.t, command, no, 422, "precluded")
		if because(no.body, "precluded") == nil || because(no.body, "language") == nil {
			s.t.Errorf("%s: the refusal's trace is %v", command, no.body["reasons"])
		}
	}
	s.do("assigner", ref, "assign", map[string]any{"interpreter": "LIN/PR10/AAAAA", "override": "agreed by telephone"})
	s.gone()
}

// place makes a location of the requestor's customer.
func (s *search) place(name, postcode string, coordinates any) string {
	s.t.Helper()
	body := map[string]any{"name": name, "address": map[string]any{"line1": "1 Way", "town": name, "postcode": postcode}}
	if coordinates != nil {
		body["coordinates"] = coordinates
	}
	return s.as("requestor").do("POST", "/locations", body).body["id"].(string)
}

func point(lat, lon float64) map[string]any { return map[string]any{"lat": lat, "lon": lon} }

func at(location string) func(b, f map[string]any) {
	return func(b, _ map[string]any) { b["location"] = location }
}

// candidateTravel: the way from Bradford to Leeds takes 27 minutes; 26 are too few, for the list, the trace, an offer and an assignment alike.
func candidateTravel(s *search) {
	leeds, bradford := s.place("Leeds Gate", "LS1 9ZZ", point(53.7965, -1.5478)), s.place("Bradford Gate", "BD1 9ZZ", point(53.7939, -1.7521))
	s.person("LIN/TR10/AAAAA", map[string]any{"coordinates": point(53.7939, -1.7521)})
	s.person("LIN/TR10/BBBBB", map[string]any{"coordinates": point(53.9591, -1.0815)}) // York
	s.person("LIN/TR10/CCCCC", nil)
	s.person("LIN/TR10/DDDDD", map[string]any{"coordinates": point(53.9591, -1.0815), "travelRadiusKm": 20})
	day := s.nextDay()
	earlier := s.want(day+"T08:34", at(bradford))
	s.do("assigner", earlier, "assign", map[string]any{"interpreter": "LIN/TR10/AAAAA"})

	tight, enough := s.want(day+"T10:00", at(leeds)), s.want(day+"T10:01", at(leeds))
	s.finds("a minute is lacking; unknown last", tight, "LIN/TR10/BBBBB", "LIN/TR10/CCCCC")
	s.finds("just enough; the nearest first, outside the own radius never", enough, "LIN/TR10/AAAAA", "LIN/TR10/BBBBB", "LIN/TR10/CCCCC")
	s.says("who lives nowhere", s.alone("assigner", tight, "LIN/TR10/CCCCC"), "distance", "noted", "the interpreter has no coordinates")
	s.says("who travels less", s.alone("assigner", tight, "LIN/TR10/DDDDD"), "travel-radius", "against", "at most 20 km")
	text := "The way from job " + earlier + " takes 27 minutes and there are 26: 1 too few."
	facts := s.says("why not", s.alone("assigner", tight, "LIN/TR10/AAAAA"), "travel", "against", text)
	pair, _ := facts["jobs"].([]any)
	if len(pair) != 1 || facts["method"] != "great-circle" || facts["factorPercent"] != float64(130) || facts["speedKmh"] != float64(40) || facts["settings"] == nil {
		s.t.Errorf("the way is told as %v", facts)
	}
	no := s.try("assigner", tight, "assign", map[string]any{"interpreter": "LIN/TR10/AAAAA"})
	problemIs(s.t, "assign", no, 422, "not-qualified")
	if !strings.Contains(no.body["detail"].(string), text) {
		s.t.Errorf("the refusal says %s", no.raw)
	}
	problemIs(s.t, "offer", s.try("assigner", tight, "send-offer", map[string]any{"interpreters": []string{"LIN/TR10/AAAAA"}}), 422, "not-qualified", "body.interpreters[0]")
	s.do("assigner", tight, "send-offer", map[string]any{"interpreters": []string{"LIN/TR10/AAAAA"}, "override": "gets a lift"})
	s.do("assigner", tight, "revoke-offer", map[string]any{"interpreter": "LIN/TR10/AAAAA"})
	s.do("assigner", tight, "assign", map[string]any{"interpreter": "LIN/TR10/DDDDD"}) // the own radius keeps out of a search, not out of an assignment

	// What was measured stands in the event, with method, settings and where the coordinates came from.
	s.do("assigner", enough, "assign", map[string]any{"interpreter": "LIN/TR10/AAAAA"})
	for _, e := range s.read("auditor", "/jobs/"+enough+"/history").items() {
		if e["type"] == "booking.job-assigned.v1" {
			data := e["data"].(map[string]any)
			for _, b := range objectsOf(data["trace"]) {
				if b["rule"] == "travel" && strings.Contains(fmt.Sprint(b), "great-circle") && strings.Contains(fmt.Sprint(b), "takes 27 minutes; there are 27 min") {
					return
				}
			}
			s.t.Errorf("the event keeps the trace %v", data["trace"])
		}
	}
	s.t.Error("no assignment in the history")
}

func candidatePostcodes(s *search) {
	s.gone()
	s.person("LIN/PC10/AAAAA", map[string]any{"postcode": "YO1 7HH"})
	ref := s.want(s.nextDay()+"T10:00", at(s.place("Hull Gate", "HU1 2AA", nil)))
	minutes := func() any { return s.alone("assigner", ref, "LIN/PC10/AAAAA")["travelMinutes"] }
	if got := minutes(); got != nil {
		s.t.Errorf("without a table it takes %v minutes", got)
	}
	put := func(user string, body map[string]any) reply { return s.send(user, "PUT", "/settings/postcodes", body) }
	for what, csv := range map[string]string{"nothing": "", "no coordinates": "YO1,here,there", "two columns": "YO1,53", "a code": "Y/O,53,-1", "a broken line": "YO1,\"53,-1"} {
		problemIs(s.t, what, put("admin", map[string]any{"csv": csv}), 422, "invalid", "body.csv")
	}
	if r := put("admin", map[string]any{"csv": "postcode,latitude,longitude\nYO1,53.9591,-1.0815\n\"HU1 2\",53.7443,-0.3325\n", "source": "A test"}); r.status != 204 || r.header.Get("ETag") != `"1"` {
		s.t.Fatalf("import: %d %s", r.status, r.raw)
	}
	if r := put("admin", map[string]any{"csv": "HU12,53.7443,-0.3325\nyo1 ,53.9591,-1.0815\n", "source": "A test"}); r.header.Get("ETag") != `"1"` {
		s.t.Errorf("the same table again is version %s", r.header.Get("ETag"))
	}
	got := s.read("auditor", "/settings/postcodes").body
	if got["version"] != float64(1) || got["codes"] != float64(2) || got["source"] != "A test" {
		s.t.Errorf("the table is %v", got)
	}
	facts := s.says("with a table", s.alone("assigner", ref, "LIN/PC10/AAAAA"), "distance", "noted", "About 107 minutes away")
	if facts["from"] != "outward" || facts["to"] != "sector" || facts["postcodes"] != float64(1) {
		s.t.Errorf("measured from %v", facts)
	}
	s.as("admin").do("PUT", "/settings/agency", map[string]any{"travel": map[string]any{"factorPercent": 100, "speedKmh": 80}})
	if got := minutes(); got != float64(41) {
		s.t.Errorf("twice as fast, as the crow flies, it takes %v minutes", got)
	}
	problemIs(s.t, "a speed", s.send("admin", "PUT", "/settings/agency", map[string]any{"travel": map[string]any{"factorPercent": 99, "speedKmh": 201}}), 422, "invalid",
		"body.travel.factorPercent", "body.travel.speedKmh")
	s.as("admin").do("PUT", "/settings/agency", map[string]any{"travel": map[string]any{"factorPercent": 130, "speedKmh": 40}})
	for field, bad := range map[string]any{"coordinates": point(91, 0), "travelRadiusKm": -1} {
		problemIs(s.t, field, s.send("admin", "PATCH", "/interpreters/"+s.ids["LIN/PC10/AAAAA"], map[string]any{field: bad}), 422, "invalid", "body."+field)
	}
	one := s.read("assigner", "/interpreters/"+s.ids["LIN/PC10/AAAAA"]).body
	if one["postcode"] != "YO1 7HH" || one["coordinates"] != nil || one["travelRadiusKm"] != float64(0) {
		s.t.Errorf("the interpreter reads %v", one)
	}
	s.gone()
}

func candidateCustody(s *search) {
	s.person("LIN/CU10/AAAAA", nil)
	day := s.nextDay()
	ref := s.want(day+"T10:00", func(_, f map[string]any) { f["custodyReference"], f["custodyClock"] = "CUST-1", day+"T10:30" })
	s.says("too late", s.alone("assigner", ref, "LIN/CU10/AAAAA"), "custody-clock", "noted", "Would finish 30 min after the custody clock ends (10:30).")
	s.finds("it excludes nobody", ref, "LIN/CU10/AAAAA")
	s.do("assigner", ref, "assign", map[string]any{"interpreter": "LIN/CU10/AAAAA"})
	for _, e := range s.read("auditor", "/jobs/"+ref+"/history").items() {
		if e["type"] == "booking.job-assigned.v1" && strings.Contains(fmt.Sprint(e["stored"]), "custody") {
			s.t.Errorf("the custody clock lies open in %v", e["stored"])
		}
	}
	s.gone()
}

// candidateAsOf: what was said then is said again, from an instant or a position, whatever changed since; and the list says what the single one says.
func candidateAsOf(s *search) {
	id := s.person("LIN/AS10/AAAAA", nil)
	s.person("LIN/AS10/BBBBB", map[string]any{"languages": []string{"ln"}})
	day := s.nextDay()
	ref := s.want(day + "T10:00")
	then := s.read("assigner", "/jobs/"+ref+"/candidates?limit=1")
	position := then.header.Get("Dragoman-Position")
	before := s.alone("assigner", ref, "LIN/AS10/AAAAA")
	item := then.items()[0]
	if item["name"] != "Person AAAAA" || item["rank"] != float64(1) || fmt.Sprint(item["reasons"]) != fmt.Sprint(before["reasons"]) {
		s.t.Errorf("the list says %v, alone it is %v", item, before)
	}
	if then.body["eligible"] != float64(1) || then.body["total"].(float64) < 30 {
		s.t.Errorf("of %v there are %v candidates", then.body["total"], then.body["eligible"])
	}
	everybody := s.read("assigner", "/jobs/"+ref+"/candidates?limit=500").items()
	if len(everybody) != int(then.body["total"].(float64)) {
		s.t.Errorf("%d of %v", len(everybody), then.body["total"])
	}
	for i, c := range everybody { // whoever is no candidate is told why
		against := slices.ContainsFunc(objectsOf(c["reasons"]), func(b map[string]any) bool { return b["finding"] == "against" })
		if c["eligible"] == against || (i == 0) != (c["eligible"] == true) {
			s.t.Errorf("number %d: %v", i, c)
		}
	}
	others := s.read("assigner", "/jobs/"+ref+"/candidates?only=others&limit=2&offset=1").items()
	if len(others) != 2 || others[0]["lin"] != everybody[2]["lin"] || others[1]["lin"] != everybody[3]["lin"] {
		s.t.Errorf("the others' second and third are %v", others)
	}

	s.clock("2020-03-02T10:00:00Z")
	s.as("admin").do("PATCH", "/interpreters/"+id, map[string]any{"languages": []string{"ln"}})
	s.do("assigner", s.book(day+"T10:30", 60), "assign", map[string]any{"interpreter": "LIN/AS10/AAAAA", "override": "test"})
	now := s.alone("assigner", ref, "LIN/AS10/AAAAA")
	if because(now, "language")["finding"] != "against" || because(now, "diary")["finding"] != "against" || now["overridable"] != false {
		s.t.Errorf("now it says %v", now)
	}
	for _, moment := range []string{"2020-03-02T09:00:00Z", position} {
		if got := s.alone("assigner", ref, "LIN/AS10/AAAAA", "?asOf="+moment); fmt.Sprint(got) != fmt.Sprint(before) {
			s.t.Errorf("as of %s it says\n%v, then it said\n%v", moment, got, before)
		}
	}
	problemIs(s.t, "before the job was there", s.ask("assigner", "/jobs/"+ref+"/candidates/"+id+"?asOf=2020-03-02T08:00:00Z"), 404, "not-found")
	problemIs(s.t, "no moment", s.ask("assigner", "/jobs/"+ref+"/candidates/"+id+"?asOf=yesterday"), 422, "invalid", "query.asOf")
	problemIs(s.t, "nobody", s.ask("assigner", "/jobs/"+ref+"/candidates/"+noPerson), 404, "not-found")
	s.gone()
}

const noPerson = "00000000-0000-4000-8000-000000000000"

// candidateRoles: finance reads no case details and no preferences; that there is something against an interpreter is not hidden, what it is is.
func candidateRoles(s *search) {
	s.person("LIN/RO10/AAAAA", nil)
	day := s.nextDay()
	ref := s.want(day+"T10:00", func(_, f map[string]any) {
		f["precludedInterpreter"], f["gender"], f["custodyReference"], f["custodyClock"] = "LIN/RO10/AAAAA", "female", "CUST-9", day+"T22:00"
	})
	for user, reads := range map[string]bool{"assigner": true, "admin": true, "auditor": true, "safeguarding": true, "finance": false} {
		got := s.alone(user, ref, "LIN/RO10/AAAAA")
		for _, rule := range []string{"precluded", "gender", "custody-clock"} {
			if (because(got, rule) != nil) != reads {
				s.t.Errorf("%s reads of %s %v", user, rule, because(got, rule))
			}
		}
		if withheld := because(got, "withheld"); (withheld != nil) == reads || got["eligible"] != false {
			s.t.Errorf("%s is told %v", user, got)
		}
	}
	s.gone()
}

// candidateReasons: why somebody was offered the job, and given it, is read with the job: by staff of everybody, by an interpreter of nobody else and
// never of what the customer prefers; the event tells no exact way from a home.
func candidateReasons(s *search) {
	s.person("LIN/WH10/AAAAA", map[string]any{"coordinates": map[string]any{"lat": 53.9, "lon": -1.6}})
	s.person("LIN/WH20/AAAAA", nil)
	ref := s.want(s.nextDay()+"T10:00", func(_, f map[string]any) {
		f["preferredInterpreter"], f["precludedInterpreter"] = "LIN/WH20/AAAAA", "LIN/WH10/AAAAA"
	})
	s.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{"LIN/WH10/AAAAA", "LIN/WH20/AAAAA"}, "override": "both have said yes on the phone"})
	s.do("assigner", ref, "assign", map[string]any{"interpreter": "LIN/WH10/AAAAA", "override": "nobody else is near"})
	_, s.people["wh10"] = newcomer(s.t, s.as("admin"), map[string]any{"username": "wh10", "name": "W", "email": "wh10@x.example", "role": "interpreter",
		"interpreter": s.ids["LIN/WH10/AAAAA"]})
	read := func(user string) (whose []string, rules map[string]bool) {
		rules = map[string]bool{}
		for _, item := range s.read(user, "/jobs/"+ref+"/reasons").items() {
			whose = append(whose, fmt.Sprint(item["lin"], " ", item["for"]))
			for _, b := range item["reasons"].([]any) {
				found := b.(map[string]any)
				rules[found["rule"].(string)] = true
				if facts := found["facts"].(map[string]any); found["rule"] == "distance" && item["lin"] == "LIN/WH10/AAAAA" &&
					(facts["metres"] != nil || int(facts["minutes"].(float64))%15 != 0 || strings.Contains(found["text"].(string), "km")) {
					s.t.Errorf("%s reads how far exactly a home is: %v", user, found)
				}
			}
		}
		return whose, rules
	}
	whose, rules := read("assigner")
	same(s.t, "whose reasons staff read", whose, []string{"LIN/WH10/AAAAA offer", "LIN/WH20/AAAAA offer", "LIN/WH10/AAAAA assignment"})
	if !rules["precluded"] || !rules["preferred"] || !rules["distance"] {
		s.t.Errorf("staff read of %v", rules)
	}
	if whose, rules = read("wh10"); len(whose) != 2 || rules["precluded"] || rules["preferred"] || rules["withheld"] || !rules["language"] {
		s.t.Errorf("the interpreter reads of %v: %v", whose, rules)
	}
	problemIs(s.t, "the customer", s.ask("requestor", "/jobs/"+ref+"/reasons"), 403, "not-permitted")
	s.read("wh10", "/jobs/"+ref)
	b := browse(s.t, s.base, "wh10")
	if page := b.see("/jobs/" + ref).words(); !strings.Contains(page, "Why you were asked") || strings.Contains(page, "does not want") {
		s.t.Errorf("the interpreter's page: %s", page)
	}
	s.gone()
}

func candidateServices(s *search) {
	s.person("LIN/SE10/AAAAA", map[string]any{"serviceTypes": []string{"remote"}})
	ref := s.want(s.nextDay() + "T10:00")
	s.says("remote only", s.alone("assigner", ref, "LIN/SE10/AAAAA"), "service-type", "against", "Does not offer: Face to face.")
	problemIs(s.t, "assign", s.try("assigner", ref, "assign", map[string]any{"interpreter": "LIN/SE10/AAAAA"}), 422, "not-qualified")
	s.do("assigner", ref, "assign", map[string]any{"interpreter": "LIN/SE10/AAAAA", "override": "will come for once"})
	s.gone()
}

func candidateBusy(s *search) {
	s.person("LIN/BU10/AAAAA", nil)
	s.person("LIN/BU10/BBBBB", nil)
	s.person("LIN/BU10/CCCCC", map[string]any{"credentials": []any{map[string]any{"kind": "dbs", "validFrom": "2015-01-01", "validTo": "2020-03-31"}}})
	s.person("LIN/BU10/DDDDD", nil)
	day := s.nextDay()
	first := s.want(day + "T10:00")
	s.do("assigner", first, "assign", map[string]any{"interpreter": "LIN/BU10/AAAAA"})
	ref := s.want(day + "T10:30")
	s.as("assigner").do("POST", "/interpreters/"+s.ids["LIN/BU10/DDDDD"]+"/suspend", map[string]any{"reason": "test"})
	s.finds("busy, expired, suspended", ref, "LIN/BU10/BBBBB")
	s.says("busy", s.alone("assigner", ref, "LIN/BU10/AAAAA"), "diary", "against", "Has job "+first+" from 10:00 to 11:00.")
	s.says("suspended", s.alone("assigner", ref, "LIN/BU10/DDDDD"), "suspended", "against", "Is suspended.")
	s.says("expired", s.alone("assigner", ref, "LIN/BU10/CCCCC"), "credential", "against", "dbs")
	// Fewer hours in that week come first; where nothing else differs, the LIN decides.
	later := s.want(day + "T14:00")
	s.finds("fewer hours first", later, "LIN/BU10/BBBBB", "LIN/BU10/AAAAA")
	s.do("assigner", first, "unassign", map[string]any{"interpreter": "LIN/BU10/AAAAA", "reason": "test"})
	s.finds("free again", ref, "LIN/BU10/AAAAA", "LIN/BU10/BBBBB")
	s.gone()
}
