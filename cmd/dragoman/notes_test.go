package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestLL95_FifteenNotes plays the history of DTP1389466 over HTTP with the test clock: texts and stamps come out as the seed has them.
func TestLL95_FifteenNotes(t *testing.T) {
	t.Parallel()
	base := startDemo(t)
	customer, assigner, admin := signIn(t, base, "requestor"), signIn(t, base, "assigner"), signIn(t, base, "admin")
	ana := signIn(t, base, "interpreter")
	const lin1, lin2 = "LIN/5455/5J71Y", "LIN/5466/5J71X"
	admin.do("PUT", "/settings/numbering", map[string]any{"series": "job", "next": 1389466})

	customer.clock("24/03/2020 15:46")
	location := customer.get("/locations").items()[0]["id"].(string)
	booked := customer.do("POST", "/bookings", faceToFace(location, "2020-03-26T14:00", 60))
	ref := booked.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	if ref != "DTP1389466" {
		t.Fatalf("job is %s, want DTP1389466", ref)
	}
	one := map[string]any{"interpreters": []string{lin1}}
	customer.clock("24/03/2020 15:47")
	assigner.job(ref, "send-offer", one)
	assigner.job(ref, "revoke-offer", map[string]any{"interpreter": lin1})
	customer.clock("24/03/2020 15:48")
	assigner.job(ref, "send-offer", one)
	customer.clock("24/03/2020 15:58")
	ana.job(ref, "accept-offer", map[string]any{})
	customer.clock("24/03/2020 15:59")
	assigner.job(ref, "assign", map[string]any{"interpreter": lin1})
	customer.clock("24/03/2020 18:04")
	assigner.job(ref, "unassign", map[string]any{"interpreter": lin1, "reason": "no longer available"})
	customer.clock("25/03/2020 10:34")
	assigner.job(ref, "accept-offer", map[string]any{"interpreter": lin2})
	customer.clock("25/03/2020 10:40")
	assigner.job(ref, "assign", map[string]any{"interpreter": lin2})
	customer.clock("15/04/2020 08:40")
	assigner.job(ref, "change-eta", map[string]any{"eta": "2020-03-26T16:00", "agreedBy": "Sergeant Bell"})
	customer.clock("01/05/2020 13:17")
	customer.job(ref, "submit-timesheet", map[string]any{"blocks": []map[string]any{{"start": "2020-03-26T16:00", "end": "2020-03-26T17:00"}}})
	customer.clock("01/05/2020 13:18")
	ben := signIn(t, base, "interpreter2")
	done := ben.job(ref, "accept-timesheet", map[string]any{})
	if done.body["status"] != "complete" || done.body["outcome"] != "success" {
		t.Errorf("after acceptance the job is %v %v", done.body["status"], done.body["outcome"])
	}

	want := []string{
		"01/05/2020 13:18 DTP1389466 changed from ongoing to complete: success",
		"01/05/2020 13:17 DTP1389466 changed from assigned to ongoing",
		"15/04/2020 08:40 DTP1389466 ETA has changed to 26/03/2020 16:00:00",
		"25/03/2020 10:40 DTP1389466 changed from new to assigned",
		"25/03/2020 10:40 Assigned LIN/5466/5J71X to job DTP1389466",
		"25/03/2020 10:34 LIN/5466/5J71X accepted job offer for DTP1389466",
		"24/03/2020 18:04 DTP1389466 changed from assigned to new",
		"24/03/2020 18:04 Unassigned LIN/5455/5J71Y from job DTP1389466",
		"24/03/2020 15:59 DTP1389466 changed from new to assigned",
		"24/03/2020 15:59 Assigned LIN/5455/5J71Y to job DTP1389466",
		"24/03/2020 15:58 LIN/5455/5J71Y accepted job offer for DTP1389466",
		"24/03/2020 15:48 Sent job offer to LIN/5455/5J71Y for job DTP1389466",
		"24/03/2020 15:47 Revoked job offer to LIN/5455/5J71Y for job DTP1389466",
		"24/03/2020 15:47 Sent job offer to LIN/5455/5J71Y for job DTP1389466",
		"24/03/2020 15:46 DTP1389466 Created",
	}
	got := notesOf(t, customer.get("/jobs/"+ref+"/activity", assigner, ana, ben))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("notes (-want +got):\n%s", diff)
	}
	// Each text by itself, at its place from the top: LL-84 and LL-86 stand right above the note of the same moment.
	for _, row := range []struct {
		name, text string
		at         int
	}{
		{"LL79_Created", "DTP1389466 Created", 14}, {"LL80_Offered", "Sent job offer to LIN/5455/5J71Y for job DTP1389466", 13},
		{"LL81_Revoked", "Revoked job offer to LIN/5455/5J71Y for job DTP1389466", 12}, {"LL82_Accepted", "LIN/5455/5J71Y accepted job offer for DTP1389466", 10},
		{"LL83_Assigned", "Assigned LIN/5455/5J71Y to job DTP1389466", 9}, {"LL84_NewToAssigned", "DTP1389466 changed from new to assigned", 8},
		{"LL85_Unassigned", "Unassigned LIN/5455/5J71Y from job DTP1389466", 7}, {"LL86_AssignedToNew", "DTP1389466 changed from assigned to new", 6},
		{"LL87_ETA", "DTP1389466 ETA has changed to 26/03/2020 16:00:00", 2}, {"LL88_Ongoing", "DTP1389466 changed from assigned to ongoing", 1},
		{"LL89_Complete", "DTP1389466 changed from ongoing to complete: success", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, text, _ := strings.Cut(got[row.at][len("24/03/2020 "):], " "); text != row.text {
				t.Errorf("the note is %q, want %q", text, row.text)
			}
		})
	}
	t.Run("LL78_NotesOfOneMinute", func(t *testing.T) {
		for at, pair := range map[int][2]string{12: {"Revoked job offer to", "Sent job offer to"}, 6: {"DTP1389466 changed", "Unassigned"}, 3: {"DTP1389466 changed", "Assigned"}} {
			above, below := got[at], got[at+1]
			if stamp := above[:len("24/03/2020 15:47 ")]; !strings.HasPrefix(above, stamp+pair[0]) || !strings.HasPrefix(below, stamp+pair[1]) {
				t.Errorf("%q stands above %q", above, below)
			}
		}
	})
}

// TestLL95_EightNotes plays the seed's other history, of 10/10/2017: a job of 12:20 for 15 minutes, offered to two interpreters.
func TestLL95_EightNotes(t *testing.T) {
	t.Parallel()
	base := startDemo(t)
	customer, assigner, admin := signIn(t, base, "requestor"), signIn(t, base, "assigner"), signIn(t, base, "admin")
	ana := signIn(t, base, "interpreter")
	const lin1, lin2 = "LIN/5455/5J71Y", "LIN/5466/5J71X"
	admin.do("PUT", "/settings/numbering", map[string]any{"series": "job", "next": 1020304})
	customer.clock("10/10/2017 11:44")
	location := customer.get("/locations").items()[0]["id"].(string)
	booked := customer.do("POST", "/bookings", faceToFace(location, "2017-10-10T12:20", 15))
	ref := booked.body["jobs"].([]any)[0].(map[string]any)["ref"].(string)
	customer.clock("10/10/2017 11:47")
	assigner.job(ref, "send-offer", map[string]any{"interpreters": []string{lin1, lin2}})
	customer.clock("10/10/2017 12:07")
	ana.job(ref, "accept-offer", map[string]any{})
	customer.clock("10/10/2017 12:17")
	assigner.job(ref, "assign", map[string]any{"interpreter": lin1})
	customer.clock("10/10/2017 12:38")
	customer.job(ref, "submit-timesheet", map[string]any{"blocks": []map[string]any{{"start": "2017-10-10T12:20", "end": "2017-10-10T12:35"}}})
	ana.job(ref, "accept-timesheet", map[string]any{})
	want := []string{
		"10/10/2017 12:38 " + ref + " changed from ongoing to complete: success",
		"10/10/2017 12:38 " + ref + " changed from assigned to ongoing",
		"10/10/2017 12:17 " + ref + " changed from new to assigned",
		"10/10/2017 12:17 Assigned LIN/5455/5J71Y to job " + ref,
		"10/10/2017 12:07 LIN/5455/5J71Y accepted job offer for " + ref,
		"10/10/2017 11:47 Sent job offer to LIN/5466/5J71X for job " + ref,
		"10/10/2017 11:47 Sent job offer to LIN/5455/5J71Y for job " + ref,
		"10/10/2017 11:44 " + ref + " Created",
	}
	if diff := cmp.Diff(want, notesOf(t, customer.get("/jobs/"+ref+"/activity", assigner, ana))); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// notesOf prints an activity list as the portal does: stamp in London time (LL-76), then the note.
func notesOf(t *testing.T, r reply) []string {
	t.Helper()
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, item := range r.items() {
		at, err := time.Parse(time.RFC3339, item["at"].(string))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, at.In(zone).Format("02/01/2006 15:04")+" "+item["note"].(string))
	}
	return out
}
