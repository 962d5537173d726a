package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestWaves checks over HTTP how offers go out in waves (N-03). All share one server; each looks for interpreters of its own.
func TestWaves(t *testing.T) {
	t.Parallel()
	s := &search{office: newOffice(t), ids: map[string]string{}}
	for _, rule := range []struct {
		name string
		hold func(*search)
	}{
		{"N03_OffByDefault", wavesOff},
		{"N03_OneAfterTheOther", wavesOneAfterTheOther},
		{"LL38_ThePreferredGetsTheFirstOffer", wavesPreferred},
		{"N03_NobodyTwice", wavesNobodyTwice},
		{"N03_TheyWaitWhileHeldAndTaken", wavesWait},
		{"N03_CustodyFirst", wavesCustody},
		{"N03_ATeam", wavesTeam},
		{"N03_AutoAssign", wavesAutoAssign},
		{"N03_LL130_TheSuspendedGetNothing", wavesSuspended},
		{"N03_ThePolicy", wavesPolicy},
		{"N03_N04_WhatASendKeeps", wavesKept},
		{"N03_InThePortal", wavesPages},
		{"N03_InABrowser", wavesBrowser},
	} {
		t.Run(rule.name, func(t *testing.T) {
			s.in(t)
			s.clock("2020-03-02T09:00:00Z")
			s.auto(false)
			rule.hold(s)
			s.auto(false)
			s.gone()
		})
	}
}

// auto switches on that offers go out by themselves, by these rows; without any the built-in ones.
func (s *search) auto(on bool, rows ...map[string]any) {
	s.t.Helper()
	if rows == nil {
		rows = []map[string]any{}
	}
	s.as("admin").do("PUT", "/settings/waves", map[string]any{"waves": rows})
	s.as("admin").do("PUT", "/settings/agency", map[string]any{"autoOffer": on, "autoAssign": false})
}

// one asks one at a time, the next after an hour, each for half an hour.
func one(more ...map[string]any) []map[string]any {
	return append([]map[string]any{{"size": 1, "waitMinutes": 60, "expireMinutes": 30}}, more...)
}

// offered are the offers of a job in order: the end of the LIN and how each stands.
func (s *search) offered(ref string) (all []string) {
	s.t.Helper()
	for _, o := range objectsOf(s.job("assigner", ref)["offers"]) {
		all = append(all, strings.TrimLeft(o["interpreter"].(map[string]any)["lin"].(string)[9:], "/")+" "+o["state"].(string))
	}
	return all
}

// stand checks them at an instant.
func (s *search) stand(at, ref string, want ...string) {
	s.t.Helper()
	s.clock(at)
	if got := s.offered(ref); !slices.Equal(got, want) {
		s.t.Errorf("at %s the offers are %v, want %v", at, got, want)
	}
}

func (s *search) three(prefix string) {
	s.t.Helper()
	for _, letter := range []string{"A", "B", "C"} {
		s.person("LIN/"+prefix+"/"+strings.Repeat(letter, 5), nil)
	}
}

// events are those of a type in a job's history, as the auditor reads them.
func (s *search) events(ref, kind string) (all []map[string]any) {
	s.t.Helper()
	for _, e := range s.read("auditor", "/jobs/"+ref+"/history").items() {
		if e["type"] == "booking."+kind+".v1" {
			all = append(all, e)
		}
	}
	return all
}

func wavesOff(s *search) {
	s.three("OF10")
	ref := s.want(s.nextDay() + "T10:00")
	s.stand("2020-03-02T12:00:00Z", ref)
	if s.job("assigner", ref)["waves"] != nil {
		s.t.Error("a job has waves, though offers do not go out by themselves")
	}
	// What was booked before is offered once that is switched on.
	s.auto(true, one()...)
	s.stand("2020-03-02T12:00:00Z", ref, "AAAAA open")
}

// wavesPreferred: whom the customer prefers is asked first, whoever would come first otherwise; a malformed id is refused.
func wavesPreferred(s *search) {
	s.auto(true, one()...)
	s.three("PR10")
	day := s.nextDay()
	ref := s.want(day+"T10:00", func(_, f map[string]any) { f["preferredInterpreter"] = "LIN/PR10/CCCCC" })
	s.stand("2020-03-02T09:00:00Z", ref, "CCCCC open")
	s.stand("2020-03-02T10:00:00Z", ref, "CCCCC lapsed", "AAAAA open")
	wish := s.booking(day+"T12:00", 60, func(_, f map[string]any) { f["preferredInterpreter"] = "Carla" })
	problemIs(s.t, "a malformed id", s.send("requestor", "POST", "/bookings", wish), 422, "invalid", "body.fields.preferredInterpreter")
}

func wavesOneAfterTheOther(s *search) {
	s.auto(true, one()...)
	s.three("ON10")
	ref := s.want(s.nextDay() + "T10:00")
	s.stand("2020-03-02T09:00:00Z", ref, "AAAAA open")
	if w := s.job("assigner", ref)["waves"].(map[string]any); w["number"] != 1.0 || w["left"] != 2.0 || w["size"] != 1.0 || w["nextAt"] != "2020-03-02T10:00:00Z" {
		s.t.Errorf("the waves are %v", w)
	}
	s.stand("2020-03-02T09:59:59Z", ref, "AAAAA lapsed")
	s.stand("2020-03-02T10:00:00Z", ref, "AAAAA lapsed", "BBBBB open")
	s.clock("2020-03-02T10:00:00Z") // asked again for what is due, nothing is
	s.stand("2020-03-02T10:10:00Z", ref, "AAAAA lapsed", "BBBBB open")
	s.stand("2020-03-02T11:00:00Z", ref, "AAAAA lapsed", "BBBBB lapsed", "CCCCC open")
	if s.job("assigner", ref)["flags"] != nil {
		s.t.Error("flagged while somebody may answer")
	}
	s.clock("2020-03-02T12:00:00Z")
	flags := objectsOf(s.job("assigner", ref)["flags"])
	if len(flags) != 1 || flags[0]["kind"] != "no-candidates" || flags[0]["since"] != "2020-03-02T12:00:00Z" {
		s.t.Errorf("nobody is left, and the flags are %v", flags)
	}
	for _, user := range []string{"requestor", "finance"} {
		if flags := s.job(user, ref)["flags"]; flags != nil {
			s.t.Errorf("the %s reads the flags %v", user, flags)
		}
	}
	for _, list := range []string{"/jobs?q=" + ref, "/jobs?list=unassigned&limit=500"} {
		for _, item := range s.read("assigner", list).items() {
			if item["ref"] == ref && len(objectsOf(item["flags"])) != 1 {
				s.t.Errorf("%s lists it with the flags %v", list, item["flags"])
			}
		}
	}
	for _, note := range s.notes("requestor", ref) {
		if strings.Contains(strings.ToLower(note), "wave") || strings.Contains(strings.ToLower(note), "flag") {
			s.t.Errorf("the customer reads %q", note)
		}
	}
	waves := s.events(ref, "wave-sent")
	version := s.read("admin", "/settings/waves").body["revision"]
	if len(waves) != 3 || len(s.events(ref, "offer-sent")) != 3 || len(s.events(ref, "job-flagged")) != 1 {
		s.t.Fatalf("there were %d waves", len(waves))
	}
	for _, e := range append(append(waves, s.events(ref, "offer-sent")...), s.events(ref, "job-flagged")...) {
		data := e["data"].(map[string]any)
		policy := data["policy"]
		if search, ok := data["search"].(map[string]any); ok {
			policy = search["policy"]
		}
		if role := e["actor"].(map[string]any)["role"]; role != "system" || policy != version {
			s.t.Errorf("%s was done by %v, by version %v of the settings, want system and %v", e["type"], role, policy, version)
		}
	}
	s.do("assigner", ref, "assign", map[string]any{"interpreter": "LIN/ON10/AAAAA"})
	if flags := s.job("assigner", ref)["flags"]; flags != nil {
		s.t.Errorf("assigned, it is flagged %v", flags)
	}
}

func wavesNobodyTwice(s *search) {
	s.auto(true, one()...)
	s.three("NT10")
	ref := s.want(s.nextDay() + "T10:00")
	s.stand("2020-03-02T09:00:00Z", ref, "AAAAA open")
	s.do("assigner", ref, "decline-offer", map[string]any{"interpreter": "LIN/NT10/AAAAA"})
	s.stand("2020-03-02T10:00:00Z", ref, "AAAAA declined", "BBBBB open")
	s.do("assigner", ref, "revoke-offer", map[string]any{"interpreter": "LIN/NT10/BBBBB"})
	s.stand("2020-03-02T11:00:00Z", ref, "AAAAA declined", "BBBBB revoked", "CCCCC open")
	s.do("assigner", ref, "edit", map[string]any{"fields": map[string]any{"jobNotes": "Ring twice."}})
	s.stand("2020-03-02T12:00:00Z", ref, "AAAAA declined", "BBBBB revoked", "CCCCC lapsed")
	// Another duration is another job to them; the first is asked at once.
	s.do("assigner", ref, "edit", map[string]any{"duration": map[string]any{"hours": 2, "minutes": 0}})
	s.stand("2020-03-02T12:00:00Z", ref, "AAAAA declined", "BBBBB revoked", "CCCCC lapsed", "AAAAA open")
	if w := s.job("assigner", ref)["waves"].(map[string]any); w["number"] != 1.0 {
		s.t.Errorf("the waves are %v", w)
	}
}

func wavesWait(s *search) {
	s.auto(true, one()...)
	s.three("WA10")
	ref := s.want(s.nextDay() + "T10:00")
	s.stand("2020-03-02T09:00:00Z", ref, "AAAAA open")
	s.do("assigner", ref, "accept-offer", map[string]any{"interpreter": "LIN/WA10/AAAAA"})
	s.stand("2020-03-02T11:00:00Z", ref, "AAAAA accepted")
	s.do("assigner", ref, "decline-offer", map[string]any{"interpreter": "LIN/WA10/AAAAA"})
	s.stand("2020-03-02T11:00:00Z", ref, "AAAAA declined", "BBBBB open")
	s.do("assigner", ref, "take", map[string]any{})
	s.stand("2020-03-02T13:00:00Z", ref, "AAAAA declined", "BBBBB lapsed")
	s.do("assigner", ref, "release", map[string]any{})
	s.stand("2020-03-02T13:00:00Z", ref, "AAAAA declined", "BBBBB lapsed", "CCCCC open")
	if n := len(s.events(ref, "wave-sent")); n != 3 {
		s.t.Errorf("there were %d waves", n)
	}
}

func wavesCustody(s *search) {
	s.auto(true, one()...)
	day := s.nextDay()
	// The first in order is shifted to an hour after which the clock has run out; the second can come at once.
	s.person("LIN/CU20/AAAAA", nil)
	s.person("LIN/CU20/BBBBB", nil)
	s.person("LIN/CU20/CCCCC", map[string]any{"languages": []string{"ln"}})
	s.person("LIN/CU20/DDDDD", map[string]any{"serviceTypes": []string{"remote"}})
	in := func(_, f map[string]any) {
		f["custodyReference"], f["custodyClock"], f["preferredInterpreter"] = "CUST-2", day+"T11:30", "LIN/CU20/AAAAA"
	}
	late := func(_, f map[string]any) { f["custodyReference"], f["custodyClock"] = "CUST-3", day+"T10:30" }
	ref := s.want(day+"T10:00", in)
	s.stand("2020-03-02T09:00:00Z", ref, "AAAAA open")
	if flags := s.job("assigner", ref)["flags"]; flags != nil {
		s.t.Errorf("somebody can be in time, and it is flagged %v", flags)
	}
	// Nobody can finish half an hour after the start: flagged at once, and the waves go on.
	ref = s.want(day+"T10:00", late)
	s.stand("2020-03-02T09:00:00Z", ref, "AAAAA open")
	flags := objectsOf(s.job("assigner", ref)["flags"])
	if len(flags) != 1 || flags[0]["kind"] != "custody-clock" || !strings.Contains(fmt.Sprint(flags[0]["text"]), "custody clock") {
		s.t.Fatalf("nobody can be in time, and the flags are %v", flags)
	}
	help := map[string]map[string]any{}
	for _, h := range objectsOf(flags[0]["helps"]) {
		help[h["wish"].(string)] = h
	}
	if f := help["flexibility"]; f == nil || f["more"] != 2.0 {
		s.t.Errorf("to begin earlier helps as %v", f)
	}
	if len(help) != 1 {
		s.t.Errorf("helps are %v", help)
	}
	for _, kind := range []string{"wave-sent", "job-flagged", "offer-sent"} {
		for _, e := range s.events(ref, kind) {
			if stored := fmt.Sprint(e["stored"]); strings.Contains(stored, "T10:30") || strings.Contains(stored, "CUST-3") {
				s.t.Errorf("the custody clock lies open in %s", stored)
			}
		}
	}
	// What would help when nobody is left at all.
	ref = s.want(day+"T15:00", func(_, f map[string]any) { f["skills"] = "sight-translation" })
	s.clock("2020-03-02T09:00:00Z")
	flags = objectsOf(s.job("assigner", ref)["flags"])
	if len(flags) != 1 || flags[0]["kind"] != "no-candidates" || !strings.Contains(fmt.Sprint(flags[0]["helps"]), "skills") {
		s.t.Errorf("nobody has the skill, and the flags are %v", flags)
	}
	ref = s.want(day+"T18:00", func(b, _ map[string]any) { b["language"] = "ach" })
	s.clock("2020-03-02T09:00:00Z")
	flags = objectsOf(s.job("assigner", ref)["flags"])
	if len(flags) != 1 || !strings.Contains(fmt.Sprint(flags[0]["helps"]), "also speaks") {
		s.t.Errorf("nobody speaks it, and the flags are %v", flags)
	}
}

func wavesTeam(s *search) {
	s.auto(true, map[string]any{"size": 2, "waitMinutes": 60, "expireMinutes": 300})
	s.three("TE10")
	first := s.want(s.nextDay()+"T10:00", func(b, _ map[string]any) { b["interpretersRequested"] = 2 })
	second := objectsOf(s.job("assigner", first)["related"])[0]["ref"].(string)
	s.stand("2020-03-02T09:00:00Z", first, "AAAAA open", "BBBBB open")
	s.stand("2020-03-02T09:00:00Z", second)
	accept := func(lin string) reply {
		return s.try("assigner", first, "accept-offer", map[string]any{"interpreter": lin})
	}
	if r := accept("LIN/TE10/BBBBB"); r.status != 200 || r.body["job"] != first {
		s.t.Errorf("the first acceptance: %s", r.raw)
	}
	s.stand("2020-03-02T10:00:00Z", second, "CCCCC open") // the place that is held waits, the other looks on
	if r := accept("LIN/TE10/AAAAA"); r.status != 200 || r.body["job"] != second {
		s.t.Errorf("the second acceptance takes the other place: %s", r.raw)
	}
	s.stand("2020-03-02T10:00:00Z", first, "AAAAA ended", "BBBBB accepted")
	s.stand("2020-03-02T10:00:00Z", second, "CCCCC open", "AAAAA accepted")
	problemIs(s.t, "no place is left", s.try("assigner", second, "accept-offer", map[string]any{"interpreter": "LIN/TE10/CCCCC"}), 409, "already-accepted")
	for ref, want := range map[string]int{first: 1, second: 2} { // the second wave was for the place that was free
		if n := len(s.events(ref, "wave-sent")); n != want {
			s.t.Errorf("of %s there were %d waves, want %d", ref, n, want)
		}
	}
}

func wavesAutoAssign(s *search) {
	s.auto(true, one()...)
	s.as("admin").do("PUT", "/settings/agency", map[string]any{"autoAssign": true})
	s.three("AA10")
	ref := s.want(s.nextDay() + "T10:00")
	s.stand("2020-03-02T09:00:00Z", ref, "AAAAA open")
	s.do("assigner", ref, "accept-offer", map[string]any{"interpreter": "LIN/AA10/AAAAA"})
	if got := s.job("assigner", ref)["status"]; got != "assigned" {
		s.t.Errorf("accepted, it is %v", got)
	}
	e := s.events(ref, "job-assigned")[0]
	if e["actor"].(map[string]any)["role"] != "system" || e["data"].(map[string]any)["policy"] != s.read("admin", "/settings/waves").body["revision"] {
		s.t.Errorf("assigned by %v, by version %v", e["actor"], e["data"].(map[string]any)["policy"])
	}
	if by := s.events(ref, "offer-accepted")[0]["actor"].(map[string]any)["role"]; by != "assigner" {
		s.t.Errorf("the acceptance is the %v's", by)
	}
	s.stand("2020-03-02T12:00:00Z", ref, "AAAAA assigned")
}

func wavesSuspended(s *search) {
	s.auto(true, one()...)
	s.three("SU10")
	suspend := func(lin string) {
		s.as("assigner").do("POST", "/interpreters/"+s.ids[lin]+"/suspend", map[string]any{"reason": "test"})
	}
	suspend("LIN/SU10/AAAAA")
	ref := s.want(s.nextDay() + "T10:00")
	s.stand("2020-03-02T09:00:00Z", ref, "BBBBB open")
	suspend("LIN/SU10/CCCCC")
	s.stand("2020-03-02T10:00:00Z", ref, "BBBBB lapsed")
}

func wavesPolicy(s *search) {
	put := func(rows ...map[string]any) reply {
		return s.send("admin", "PUT", "/settings/waves", map[string]any{"waves": rows})
	}
	if r := s.read("admin", "/settings/waves"); r.body["builtIn"] != true || len(objectsOf(r.body["waves"])) < 3 {
		s.t.Errorf("without rows of its own the agency has %s", r.raw)
	}
	problemIs(s.t, "faults", put(map[string]any{"size": 0, "waitMinutes": 1}, map[string]any{"tier": "Elvish", "underHours": 9999, "size": 1, "waitMinutes": 1, "expireMinutes": -1}),
		422, "invalid", "body.waves[0].size", "body.waves[1].tier", "body.waves[1].underHours", "body.waves[1].expireMinutes")
	// The tier and the time left choose the row; so they do for what staff send.
	s.auto(true, map[string]any{"size": 1, "waitMinutes": 60, "expireMinutes": 600}, map[string]any{"tier": "Rare", "underHours": 48, "size": 2, "waitMinutes": 5, "expireMinutes": 15})
	s.three("PO10")
	far, near := s.want(s.nextDay()+"T10:00"), s.want("2020-03-03T10:00")
	s.stand("2020-03-02T09:00:00Z", near, "AAAAA open", "BBBBB open")
	s.stand("2020-03-02T09:00:00Z", far, "AAAAA open")
	s.stand("2020-03-02T09:05:00Z", near, "AAAAA open", "BBBBB open", "CCCCC open")
	s.do("assigner", far, "send-offer", map[string]any{"interpreters": []string{"LIN/PO10/CCCCC"}})
	for ref, want := range map[string]string{near: "2020-03-02T09:15:00Z", far: "2020-03-02T19:05:00Z"} {
		offers := objectsOf(s.job("assigner", ref)["offers"])
		if got := offers[map[string]int{near: 0, far: 1}[ref]]["expiresAt"]; got != want {
			s.t.Errorf("an offer of %s stands until %v, want %s", ref, got, want)
		}
	}
	// Whoever saw older settings is refused.
	stale := s.as("admin").send("PUT", "/api/v1/settings/waves", map[string]any{"waves": []any{}}, map[string]string{"If-Match": `"1"`})
	problemIs(s.t, "stale", stale, 412, "stale-revision")
}

func wavesKept(s *search) {
	s.auto(true, one()...)
	s.three("KE10")
	s.person("LIN/KE10/DDDDD", map[string]any{"gender": "male"})
	ref := s.want(s.nextDay()+"T10:00", func(_, f map[string]any) { f["precludedInterpreter"] = "LIN/KE10/BBBBB" })
	s.clock("2020-03-02T09:00:00Z")
	wave := s.events(ref, "wave-sent")[0]["data"].(map[string]any)
	search := wave["search"].(map[string]any)
	against, _ := search["against"].(map[string]any)
	if search["eligible"] != 3.0 || against["precluded"] != 1.0 || against["language"] == nil || search["rules"].(map[string]any)["precluded"] != 1.0 || wave["left"] != 2.0 {
		s.t.Errorf("the wave keeps %v", wave)
	}
	offer := objectsOf(s.events(ref, "offer-sent")[0]["data"].(map[string]any)["offers"])[0]
	if len(objectsOf(offer["trace"])) < 4 {
		s.t.Errorf("of whom was asked it keeps %v", offer["trace"])
	}
	// Of the others any single one is told as of the position that was read, whatever changed since.
	s.as("admin").do("PATCH", "/interpreters/"+s.ids["LIN/KE10/BBBBB"], map[string]any{"languages": []string{"ln"}})
	position := search["position"].(string)
	then := s.alone("assigner", ref, "LIN/KE10/BBBBB", "?asOf="+position)
	if b := because(then, "precluded"); b == nil || b["finding"] != "against" || because(then, "language")["finding"] != "for" {
		s.t.Errorf("as of %s it says %v", position, then["reasons"])
	}
	if now := s.alone("assigner", ref, "LIN/KE10/BBBBB"); because(now, "language")["finding"] != "against" {
		s.t.Errorf("now it says %v", now["reasons"])
	}
	// So it is of what staff send.
	s.do("assigner", ref, "send-offer", map[string]any{"interpreters": []string{"LIN/KE10/CCCCC"}})
	sent := s.events(ref, "offer-sent")[1]
	kept, _ := sent["data"].(map[string]any)["search"].(map[string]any)
	if kept == nil || kept["eligible"] != 3.0 || !later(kept["position"].(string), position) || sent["actor"].(map[string]any)["role"] != "assigner" {
		s.t.Errorf("staff's send keeps %v", kept)
	}
}

func wavesPages(s *search) {
	admin := browse(s.t, s.base, "admin")
	form := admin.see("/settings/waves")
	wants(s.t, form, "Offers in waves", "built-in", "switched off")
	empty := map[string][]string{}
	for _, name := range []string{"tier", "underHours", "size", "waitMinutes", "expireMinutes"} {
		empty["waves."+name] = make([]string, len(form.named("waves.size")))
	}
	no := admin.submit(form, "waves", with(empty, map[string]string{"waves.size": "none", "waves.waitMinutes": "60"}))
	wants(s.t, no, "Enter a whole number.")
	set := admin.submit(no, "waves", with(empty, map[string]string{"waves.size": "1", "waves.waitMinutes": "60", "waves.expireMinutes": "30"}))
	wants(s.t, done(admin, set, "set-waves"), "Rows of your own: 1.")
	set = admin.submit(admin.see("/settings/policies"), "set", map[string][]string{"autoOffer": {"yes"}})
	wants(s.t, done(admin, set, "change-settings"), "go out by themselves, in waves")

	s.three("PA10")
	ref := s.want(s.nextDay() + "T10:00")
	s.clock("2020-03-02T09:00:00Z")
	assigner := browse(s.t, s.base, "assigner")
	seen := func() *page {
		s.job("assigner", ref) // the read models have seen what was done
		return assigner.see("/jobs/" + ref)
	}
	wants(s.t, seen(), "Offers in waves", "Wave 1 of about 3 went out on 02/03/2020 09:00.", "The next wave goes out on 02/03/2020 10:00.")
	s.do("assigner", ref, "take", map[string]any{})
	wants(s.t, seen(), "The next wave waits: an assigner works on the job.")
	s.do("assigner", ref, "release", map[string]any{})
	s.do("assigner", ref, "accept-offer", map[string]any{"interpreter": "LIN/PA10/AAAAA"})
	wants(s.t, seen(), "The next wave waits: an acceptance holds the job.")
	s.do("assigner", ref, "decline-offer", map[string]any{"interpreter": "LIN/PA10/AAAAA"})
	for _, at := range []string{"2020-03-02T10:00:00Z", "2020-03-02T11:00:00Z", "2020-03-02T12:00:00Z"} {
		s.clock(at)
	}
	flagged := seen()
	wants(s.t, flagged, "Nobody is left to ask", "No further wave is due")
	if flagged.byID("flag-no-candidates") == nil {
		s.t.Error("the page has no flag")
	}
	wants(s.t, assigner.see("/queue?show=flagged"), ref, "nobody left")
	wants(s.t, assigner.see("/jobs?q="+ref), ref, "nobody left")
	customer := browse(s.t, s.base, "requestor").see("/jobs/" + ref)
	for _, word := range []string{"Wave 3", "Offers in waves", "Nobody is left"} {
		if strings.Contains(customer.words(), word) {
			s.t.Errorf("the customer reads %q", word)
		}
	}
}

// with is a filling of a form in which the first row holds these.
func with(empty map[string][]string, first map[string]string) map[string][]string {
	out := map[string][]string{}
	for name, rows := range empty {
		rows = slices.Clone(rows)
		rows[0] = first[name]
		out[name] = rows
	}
	return out
}

// wavesBrowser: the policy is set by keyboard, and axe finds nothing on its page nor on the page of a flagged job, on a desk and a phone.
func wavesBrowser(s *search) {
	admin := newTab(s.t, s.base, screen{})
	admin.signIn("admin")
	admin.open("/settings/waves")
	admin.axe("the page of the waves")
	admin.tabTo("textbox", "Asked at once") // of the first row
	admin.types("7")
	admin.tabTo("button", "Save")
	admin.leads(func() { admin.key("Enter") })
	if rows := s.read("admin", "/settings/waves"); rows.body["builtIn"] != false || objectsOf(rows.body["waves"])[0]["size"] != 7.0 {
		s.t.Errorf("typed, the policy is %s", rows.raw)
	}
	s.auto(true, one()...)
	ref := s.want(s.nextDay() + "T10:00") // nobody speaks it any more
	s.clock("2020-03-02T09:00:00Z")
	s.job("assigner", ref)
	for _, on := range []screen{{}, {phone: true, dark: true}} {
		b := newTab(s.t, s.base, on)
		b.signIn("assigner")
		b.open("/jobs/" + ref)
		var heads []string
		b.eval(`['flag-no-candidates-title', 'waves'].map((id) => document.getElementById(id)?.innerText)`, &heads)
		if !slices.Equal(heads, []string{"Nobody is left to ask", "Offers in waves"}) {
			s.t.Errorf("the job's page has the headings %q", heads)
		}
		b.axe("the page of a flagged job")
		if on.phone {
			b.faultsOf("the page of a flagged job", phoneFaults)
		}
	}
}
