package booking

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/forms"
	"github.com/dragoman-booking/dragoman/domain/people"
)

const monday = "2020-03-23T09:00" // well before the booked 26 March, 10:00

// book is the wish with some of it changed.
func book(change func(*Create)) Create {
	c := booked()
	c.Fields = maps.Clone(c.Fields)
	change(&c)
	return c
}

func field(key string, values ...string) func(*Create) {
	return func(c *Create) {
		if values == nil {
			delete(c.Fields, key)
		} else {
			c.Fields[key] = values
		}
	}
}

func onRemote(e *Env) { e.Form = forms.Remote() }

func TestCreate_StoresWhatWasWished(t *testing.T) {
	t.Parallel()
	r := tell(t).when("2020-03-24T15:46", book(func(c *Create) { c.Alternatives = []string{"uk", "pl", "uk"} }))
	e := event[Created](r)
	want := Created{
		Booking: bookingID, Ref: "B1", Key: key, Customer: customer1, Form: "face-to-face", FormVersion: 1, Status: domain.New,
		Shared: Details{
			Location: station, Address: &Address{Line1: "1 Park St", Town: "Leeds", Postcode: "LS1 4AP", Outward: "LS1"},
			Language: "pl", LanguageTier: "standard", AlternativeLanguages: []string{"uk"}, ServiceType: "face-to-face", Fields: e.Shared.Fields,
		},
		Jobs: []NewJob{{ID: r.e.NewID("job/0"), Ref: jobRef, Schedule: Schedule{Start: london("2020-03-26T10:00"), Minutes: 60}}},
		Policy: Policy{
			Version: 7, CancelHours: 72, CancelStrict: true, ResponseTier: Over24Hours, Editable: forms.FaceToFace().Editable(),
		},
	}
	r.then(want)
	for k, want := range map[string]domain.Value{
		"skills": domain.Text("spoken-only"), "gender": domain.Text("no-preference"), // LL-25, LL-32: presets
		"offenceCategory": domain.Text("theft"), "nonEnglishSpeaker": domain.Private("Jan Kowalski"), "reportTo": domain.Private("Reception"),
	} {
		if got := e.Shared.Fields[k]; !got.Equal(want) {
			t.Errorf("field %s = %v, personal %v", k, got, got.Personal)
		}
	}
}

func TestII29_EveryMissingValueIsNamedAndNothingIsDecided(t *testing.T) {
	t.Parallel()
	for location, change := range map[string]func(*Create){
		"body.language":                 func(c *Create) { c.Language = "" }, // LL-24
		"body.location":                 func(c *Create) { c.Location = uuid.Nil },
		"body.start":                    func(c *Create) { c.Start = "" },
		"body.duration.hours":           func(c *Create) { c.Hours = nil }, // II-44
		"body.duration.minutes":         func(c *Create) { c.Minutes = nil },
		"body.fields.offenceCategory":   field("offenceCategory"),   // LL-22
		"body.fields.assignmentType":    field("assignmentType"),    // LL-23
		"body.fields.nonEnglishSpeaker": field("nonEnglishSpeaker"), // LL-31
		"body.fields.reportTo":          field("reportTo"),          // LL-36 and the seven below
		"body.fields.requestingOfficer": field("requestingOfficer"), "body.fields.telephone": field("telephone"),
		"body.fields.officerInCase": field("officerInCase"), "body.fields.primaryEmail": field("primaryEmail"),
		"body.fields.collarNumber": field("collarNumber"), "body.fields.officerPhone": field("officerPhone"), "body.fields.secondaryEmail": field("secondaryEmail"),
	} {
		t.Run(location, func(t *testing.T) {
			t.Parallel()
			tell(t).when(monday, book(change)).refused("invalid", location)
		})
	}
	t.Run("all at once", func(t *testing.T) {
		t.Parallel()
		tell(t).when(monday, book(func(c *Create) {
			c.Language, c.Hours, c.Start = "xx", nil, "soon"
			delete(c.Fields, "reportTo")
		})).refused("invalid", "body.language", "body.duration.hours", "body.start", "body.fields.reportTo")
	})
}

func TestLL21_TheReferenceIsOptional(t *testing.T) {
	t.Parallel()
	event[Created](tell(t).when(monday, book(field("yourReference"))))
}

func TestII44_LL29_Duration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		h, m     int
		location string
	}{
		"1 h 0 min": {1, 0, ""}, "0 h 1 min": {0, 1, ""}, "24 h": {24, 0, ""},
		"0 h 0 min": {0, 0, "body.duration"}, "24 h 1 min": {24, 1, "body.duration"}, "60 minutes": {0, 60, "body.duration.minutes"},
		"negative hours": {-1, 30, "body.duration.hours"}, "negative minutes": {1, -30, "body.duration.minutes"}, "25 h": {25, 0, "body.duration.hours"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := tell(t).when(monday, book(func(b *Create) { b.Hours, b.Minutes = num(c.h), num(c.m) }))
			if c.location != "" {
				r.refused("invalid", c.location)
			} else if got := event[Created](r).Jobs[0].Schedule.Minutes; got != c.h*60+c.m {
				t.Fatalf("%d minutes", got)
			}
		})
	}
}

func TestLL27_APastStartIsRefusedForEveryone(t *testing.T) {
	t.Parallel()
	for _, role := range []domain.Role{domain.Requestor, domain.Assigner} {
		as := func(e *Env) { e.Actor.Role = role }
		tell(t).when("2020-03-26T10:00", booked(), as).refused("invalid", "body.start")
		event[Created](tell(t).when("2020-03-26T09:59", booked(), as))
	}
}

func TestII43_LocalTimes(t *testing.T) {
	t.Parallel()
	start := func(s, zone string) Create { return book(func(c *Create) { c.Start, c.TimeZone = s, zone }) }
	t.Run("a missing one is refused", func(t *testing.T) {
		t.Parallel()
		tell(t).when(monday, start("2020-03-29T01:30", "")).refused("nonexistent-local-time", "body.start")
	})
	t.Run("a doubled one asks for its offset", func(t *testing.T) {
		t.Parallel()
		no := tell(t).when(monday, start("2020-10-25T01:30", "")).refused("doubled-local-time", "body.start")
		if !slices.Equal(no.Choices, []string{"+01:00", "+00:00"}) {
			t.Fatalf("choices %v", no.Choices)
		}
	})
	t.Run("and takes either", func(t *testing.T) {
		t.Parallel()
		first := event[Created](tell(t).when(monday, start("2020-10-25T01:30+01:00", ""))).Jobs[0].Schedule.Start
		second := event[Created](tell(t).when(monday, start("2020-10-25T01:30+00:00", ""))).Jobs[0].Schedule.Start
		if second.Instant.Sub(first.Instant) != time.Hour || first.Local != second.Local {
			t.Fatalf("%v and %v", first, second)
		}
	})
	t.Run("the location's zone, else the customer's, unless one is sent", func(t *testing.T) {
		t.Parallel()
		zone := func(c Create, change ...func(*Env)) string {
			return event[Created](tell(t).when(monday, c, change...)).Jobs[0].Schedule.Start.Zone
		}
		inDublin := book(func(c *Create) { c.Location = dublin })
		if got := zone(inDublin); got != "Europe/Dublin" {
			t.Errorf("location in Dublin: %s", got)
		}
		if got := zone(booked(), func(e *Env) { e.CustomerZone = "Europe/Lisbon" }); got != "Europe/Lisbon" {
			t.Errorf("customer in Lisbon: %s", got)
		}
		if got := zone(booked(), func(e *Env) { e.CustomerZone, e.Agency.TimeZone = "", "Europe/Paris" }); got != "Europe/Paris" {
			t.Errorf("agency in Paris: %s", got)
		}
		inDublin.TimeZone = "Europe/Vienna"
		if got := zone(inDublin); got != "Europe/Vienna" {
			t.Errorf("sent Vienna: %s", got)
		}
	})
	t.Run("unknown zone", func(t *testing.T) {
		t.Parallel()
		tell(t).when(monday, start("2020-03-26T10:00", "Mars/Base")).refused("invalid", "body.timeZone")
	})
}

func TestLL19_LL20_Addresses(t *testing.T) {
	t.Parallel()
	typed := func(a Address) Create { return book(func(c *Create) { c.Location, c.Address = uuid.Nil, &a }) }
	t.Run("only the customer's own", func(t *testing.T) {
		t.Parallel()
		tell(t).when(monday, book(func(c *Create) { c.Location = ana })).refused("invalid", "body.location")
	})
	t.Run("typed", func(t *testing.T) {
		t.Parallel()
		e := event[Created](tell(t).when(monday, typed(Address{Line1: " 5 High St ", Town: "York", Postcode: "yo1 7hu"})))
		want := &Address{Line1: "5 High St", Town: "York", Postcode: "yo1 7hu", Outward: "YO1"}
		if diff := cmp.Diff(want, e.Shared.Address, plain); diff != "" || e.Shared.Location != uuid.Nil {
			t.Fatal(diff)
		}
	})
	t.Run("typed in part", func(t *testing.T) {
		t.Parallel()
		tell(t).when(monday, typed(Address{})).refused("invalid", "body.address.line1", "body.address.town", "body.address.postcode")
	})
	t.Run("characters that no keyboard types", func(t *testing.T) {
		t.Parallel()
		tell(t).when(monday, typed(Address{Line1: "a\x00", Line2: "b\x07", Town: "L\nS", Postcode: "LS1 4AP"})).
			refused("invalid", "body.address.line1", "body.address.line2", "body.address.town")
	})
	t.Run("one of both", func(t *testing.T) {
		t.Parallel()
		c := typed(Address{Line1: "5 High St", Town: "York", Postcode: "YO1 7HU"})
		c.Location = station
		tell(t).when(monday, c).refused("invalid", "body.address")
	})
}

func TestLL48_ARemoteBookingNeedsABillingAddressAndNoOther(t *testing.T) {
	t.Parallel()
	with := func(change func(*Create)) Create { c := remote(); change(&c); return c }
	e := event[Created](tell(t).when(monday, remote(), onRemote))
	if e.Shared.Address != nil || e.Shared.BillTo != "HQ" || e.Shared.ServiceType != "remote" {
		t.Fatalf("%+v", e.Shared)
	}
	if v := e.Shared.Fields["nonEnglishSpeaker"]; !v.NotApplicable { // LL-53, D-04
		t.Fatalf("N/A is stored as %v", v.Items)
	}
	tell(t).when(monday, with(func(c *Create) { c.BillTo = "" }), onRemote).refused("invalid", "body.billTo")
	tell(t).when(monday, with(func(c *Create) { c.Address = &Address{Line1: "x"} }), onRemote).refused("invalid", "body.address")
	fromList := event[Created](tell(t).when(monday, with(func(c *Create) { c.BillTo, c.Location = "", station }), onRemote))
	if fromList.Shared.BillTo != "Station" || fromList.Shared.Address != nil {
		t.Fatalf("%+v", fromList.Shared)
	}
}

func TestLL49_RequiredOnTheRemoteForm(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"invoiceReference", "nonEnglishSpeaker", "reasonForBooking", "platform", "assignedNotes"} {
		c := remote()
		delete(c.Fields, key)
		tell(t).when(monday, c, onRemote).refused("invalid", "body.fields."+key)
	}
}

func TestLL35_LL55_CustodyIsWholeOrEmpty(t *testing.T) {
	t.Parallel()
	tell(t).when(monday, book(field("custodyReference", "C 17"))).refused("invalid", "body.fields.custodyClock")
	tell(t).when(monday, book(field("custodyClock", "2020-03-26T12:00"))).refused("invalid", "body.fields.custodyReference")
	both := func(clock string) Create {
		return book(func(c *Create) { c.Fields["custodyReference"], c.Fields["custodyClock"] = one("C 17"), one(clock) })
	}
	if r := tell(t).when(monday, both("2020-03-26T12:00")); r.err != nil || len(r.d.Warnings) > 0 {
		t.Fatalf("%v %v", r.err, r.d.Warnings)
	}
	r := tell(t).when(monday, both("2020-03-23T08:59")) // the clock has run out by now: a warning, still accepted
	if r.err != nil || len(r.d.Warnings) != 1 || r.d.Warnings[0].Code != "custody-clock-passed" || r.d.Warnings[0].Location != "body.fields.custodyClock" {
		t.Fatalf("%v %v", r.err, r.d.Warnings)
	}
}

func TestLL33_PersonalDataInJobNotesIsWarnedOf(t *testing.T) {
	t.Parallel()
	r := tell(t).when(monday, book(field("jobNotes", "call me on 07700 900123")))
	if r.err != nil || len(r.d.Warnings) != 1 || r.d.Warnings[0].Code != "personal-data" {
		t.Fatalf("%v %v", r.err, r.d.Warnings)
	}
}

func TestLL38_LL39_InterpreterIDs(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"preferredInterpreter", "precludedInterpreter"} {
		event[Created](tell(t).when(monday, book(field(key, "LIN/5455/5J71Y"))))
		for _, bad := range []string{"LIN/545/5J71Y", "LIN/5455/5J71", "lin/5455/5J71Y", "5455/5J71Y", "LIN/5455/5J71Y/1"} {
			tell(t).when(monday, book(field(key, bad))).refused("invalid", "body.fields."+key)
		}
	}
	tell(t).when(monday, book(func(c *Create) {
		c.Fields["preferredInterpreter"], c.Fields["precludedInterpreter"] = one("LIN/5455/5J71Y"), one("LIN/5455/5J71Y")
	})).refused("invalid", "body.fields.precludedInterpreter")
}

func TestII37_OnlyTheAgencysLanguages(t *testing.T) {
	t.Parallel()
	tell(t).when(monday, book(func(c *Create) { c.Language = "tlh" })).refused("invalid", "body.language")
	tell(t).when(monday, book(func(c *Create) { c.Alternatives = []string{"uk", "tlh"} })).refused("invalid", "body.alternativeLanguages[1]")
	if e := event[Created](tell(t).when(monday, book(func(c *Create) { c.Language = "KRI" }))); e.Shared.Language != "kri" || e.Shared.LanguageTier != "rare" { // LL-73
		t.Fatalf("%s %s", e.Shared.Language, e.Shared.LanguageTier)
	}
	noList := func(e *Env) { e.Agency.Languages = nil }
	event[Created](tell(t).when(monday, book(func(c *Create) { c.Language = "tlh" }), noList))
	tell(t).when(monday, book(func(c *Create) { c.Language = "no language" }), noList).refused("invalid", "body.language")
}

func TestII38_OnlyEnabledServices(t *testing.T) {
	t.Parallel()
	tell(t).when(monday, booked(), func(e *Env) { e.Customer.ServiceTypes = []string{"remote"} }).refused("invalid", "body.serviceType")
	tell(t).when(monday, book(func(c *Create) { c.ServiceType = "remote" })).refused("invalid", "body.serviceType")
	event[Created](tell(t).when(monday, book(func(c *Create) { c.ServiceType = "face-to-face" })))
	free := func(e *Env) { e.Form.ServiceType = "" }
	tell(t).when(monday, booked(), free).refused("invalid", "body.serviceType")
	if e := event[Created](tell(t).when(monday, book(func(c *Create) { c.ServiceType = "video" }), free)); e.Shared.ServiceType != "video" {
		t.Fatal(e.Shared.ServiceType)
	}
}

func TestII38_OnlyTheCustomersForms(t *testing.T) {
	t.Parallel()
	tell(t).when(monday, booked(), func(e *Env) { e.Customer.Forms = []string{"remote"} }).refused("invalid", "body.form")
	tell(t).when(monday, booked(), func(e *Env) { e.Form.ID = "special" }).refused("invalid", "body.form")
	event[Created](tell(t).when(monday, booked(), func(e *Env) { e.Form.ID, e.Customer.Forms = "special", []string{"special"} }))
}

func TestII12_ClientsAndTheirLocations(t *testing.T) {
	t.Parallel()
	north, south := ana, ben
	world := func(e *Env) {
		e.Clients = map[uuid.UUID]string{north: "North", south: "South"}
		p := e.Locations[station]
		p.Client = north
		e.Locations[station] = p
	}
	client := func(id uuid.UUID) Create { return book(func(c *Create) { c.Client = id }) }
	tell(t).when(monday, client(eve), world).refused("invalid", "body.client")
	tell(t).when(monday, client(south), world).refused("invalid", "body.location")
	for _, id := range []uuid.UUID{north, uuid.Nil} { // a location's client is taken over
		if got := event[Created](tell(t).when(monday, client(id), world)).Shared.Client; got != north {
			t.Errorf("client %s", got)
		}
	}
}

func TestII32_BillToComesFromTheCustomer(t *testing.T) {
	t.Parallel()
	if e := event[Created](tell(t).when(monday, booked(), func(e *Env) { e.Customer.BillTo = "Accounts" })); e.Shared.BillTo != "Accounts" {
		t.Fatal(e.Shared.BillTo)
	}
	tell(t).when(monday, book(func(c *Create) { c.BillTo = "Acc\x00ounts" })).refused("invalid", "body.billTo")
}

func TestII39_OneJobPerInterpreterAskedFor(t *testing.T) {
	t.Parallel()
	many := func(n int) Create {
		return book(func(c *Create) {
			c.Interpreters, c.JobRefs = n, nil
			for i := range max(1, n) {
				c.JobRefs = append(c.JobRefs, fmt.Sprintf("DTP%d", i))
			}
		})
	}
	if got := len(event[Created](tell(t).when(monday, many(0))).Jobs); got != 1 {
		t.Errorf("0 asked for: %d jobs", got)
	}
	e := event[Created](tell(t).when(monday, many(3)))
	if len(e.Jobs) != 3 || e.Jobs[0].ID == e.Jobs[1].ID || e.Jobs[2].Ref != "DTP2" {
		t.Errorf("%+v", e.Jobs)
	}
	event[Created](tell(t).when(monday, many(400)))
	tell(t).when(monday, many(401)).refused("too-many-jobs")
	tell(t).when(monday, many(-1)).refused("invalid", "body.interpretersRequested")
}

func TestLL15_MandatoryNoticesAreAcknowledged(t *testing.T) {
	t.Parallel()
	strict := func(e *Env) {
		e.Form.Notices = slices.Clone(e.Form.Notices)
		e.Form.Notices[0].Mandatory = true
	}
	no := tell(t).when(monday, booked(), strict).refused("acknowledgement-required", "body.acknowledged")
	if !slices.Equal(no.Choices, []string{"read-before-you-book"}) {
		t.Fatal(no.Choices)
	}
	event[Created](tell(t).when(monday, book(func(c *Create) { c.Acknowledged = no.Choices }), strict))
}

func TestLL60_LL62_LL64_D05_ResponseTiers(t *testing.T) {
	t.Parallel()
	for now, want := range map[string]string{
		"2020-03-26T09:00": Within3Hours, "2020-03-26T07:00": Within3Hours, "2020-03-26T06:59": Within24Hours, // exactly 3 hours are within
		"2020-03-25T10:00": Within24Hours, "2020-03-25T09:59": Over24Hours,
	} {
		if got := event[Created](tell(t).when(now, booked())).Policy.ResponseTier; got != want {
			t.Errorf("booked at %s: %s, want %s", now, got, want)
		}
	}
}

func TestD15_TheSpeakersNamePolicy(t *testing.T) {
	t.Parallel()
	initials := func(e *Env) { e.Customer.SpeakerName = "initials" }
	tell(t).when(monday, booked(), initials).refused("invalid", "body.fields.nonEnglishSpeaker")
	event[Created](tell(t).when(monday, book(field("nonEnglishSpeaker", "J.K.")), initials))
}

func TestConsumerAndSpeakerAreOneValue(t *testing.T) {
	t.Parallel()
	c := book(func(c *Create) {
		c.Fields["consumer"] = c.Fields["nonEnglishSpeaker"]
		delete(c.Fields, "nonEnglishSpeaker")
	})
	if got := event[Created](tell(t).when(monday, c)).Shared.Fields["nonEnglishSpeaker"]; got.First() != "Jan Kowalski" {
		t.Fatal(got.First())
	}
	tell(t).when(monday, book(field("shoeSize", "44"))).refused("invalid", "body.fields.shoeSize")
}

func TestCreate_AgainIsNothing(t *testing.T) {
	t.Parallel()
	s := created(t)
	s.when(monday, booked()).nothing()
	if _, err := book(func(c *Create) { c.Booking = ana }).Decide(s.state, env(monday)); err == nil {
		t.Error("a stream took a second booking")
	}
}

func TestD06_CancelPolicyIsStored(t *testing.T) {
	t.Parallel()
	e := event[Created](tell(t).when(monday, booked(), func(e *Env) {
		e.Agency.CancelInclusive = true
		e.Customer = people.CustomerSettings{CancelHours: num(24)}
	}))
	if p := e.Policy; p.CancelHours != 24 || p.CancelStrict {
		t.Fatalf("%+v", p)
	}
}

func TestOutward(t *testing.T) {
	t.Parallel()
	for postcode, want := range map[string]string{
		"LS1 4AP": "LS1", "ls14ap": "LS1", "EC1A 1BB": "EC1A", " W1A  0AX": "W1A", "D01 F5P2": "", "75001": "", "": "", "M1": "",
	} {
		if got := Outward(postcode); got != want {
			t.Errorf("Outward(%q) = %q, want %q", postcode, got, want)
		}
	}
}
