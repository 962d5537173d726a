package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/dragoman-booking/dragoman/commands"
	"github.com/dragoman-booking/dragoman/domain"
	"github.com/dragoman-booking/dragoman/domain/access"
	"github.com/dragoman-booking/dragoman/domain/people"
	"github.com/dragoman-booking/dragoman/eventschema"
	"github.com/dragoman-booking/dragoman/httpapi"
	"github.com/dragoman-booking/dragoman/internal/accounts"
	"github.com/dragoman-booking/dragoman/internal/postgres"
	"github.com/dragoman-booking/dragoman/projections"
	"github.com/dragoman-booking/dragoman/reactions"
)

type migrateCmd struct{}

// Run migrates the kept schema.
func (migrateCmd) Run(s *stage, c *Config) error {
	return withDatabase(s, c, func(*house) error {
		fmt.Fprintln(s.out, "the kept schema is up to date")
		return nil
	})
}

// withHouse opens stores, commands and the runner, which does not run, and closes them after f.
func withHouse(s *stage, c *Config, f func(ctx context.Context, h *house) error) (err error) {
	h, err := openStores(s.ctx, s, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	if err := h.openModels(s.ctx); err != nil {
		return err
	}
	return f(s.ctx, h)
}

type rebuildCmd struct {
	Models []string `arg:"" optional:"" help:"Read models; none: all."`
}

// Run rebuilds read models one after the other, showing how far it is.
func (r rebuildCmd) Run(s *stage, c *Config) error {
	return withHouse(s, c, func(ctx context.Context, h *house) error {
		models := r.Models
		if len(models) == 0 {
			models = h.models.Names()
		}
		h.runner.Confirm(ctx)
		for _, model := range models {
			last := time.Time{}
			err := h.runner.Rebuild(ctx, model, func(p projections.Progress) {
				if p.Done || time.Since(last) > time.Second {
					last = time.Now()
					fmt.Fprintf(s.out, "%s: %d events, %.0f a second, %s left\n", model, p.Events, p.Rate, p.Left.Round(time.Second))
				}
			})
			if err != nil {
				return fmt.Errorf("rebuild %s: %w", model, err)
			}
		}
		return nil
	})
}

type resumeCmd struct {
	Reactions []string `arg:"" optional:"" help:"Reactions; none: all."`
}

// Run moves the checkpoints of reactions that stopped because the log is another one. The processes that serve look at them now and then.
func (r resumeCmd) Run(s *stage, c *Config) error {
	return withHouse(s, c, func(ctx context.Context, h *house) error {
		checkpoints, err := reactions.Checkpoints(ctx, h.pool)
		if err != nil {
			return err
		}
		for _, name := range r.Reactions {
			if !slices.ContainsFunc(checkpoints, func(at reactions.Checkpoint) bool { return at.Reaction == name }) {
				return fmt.Errorf("no reaction is called %q", name)
			}
		}
		for _, at := range checkpoints {
			if len(r.Reactions) > 0 && !slices.Contains(r.Reactions, at.Reaction) {
				continue
			}
			err := projections.SameLog(ctx, h.feed.Reader(), at.Position, at.Event, nil)
			if err == nil {
				fmt.Fprintf(s.out, "%s: the log holds its checkpoint, position %d\n", at.Reaction, at.Position.Commit)
				continue
			}
			if !errors.Is(err, projections.ErrLogReplaced) {
				return fmt.Errorf("look for the checkpoint of %s: %w", at.Reaction, err)
			}
			if at.Reaction == (reactions.Erasures{}).Name() { // it may do everything again, and must not leave anything out
				at.Position, at.Event = eventschema.Position{}, uuid.Nil
				if err := pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error { return reactions.SetCheckpoint(ctx, tx, at) }); err != nil {
					return err
				}
				fmt.Fprintf(s.out, "%s: looks through the log from its start\n", at.Reaction)
				continue
			}
			if at.Position, at.Event, err = reactions.End(ctx, h.feed.Reader()); err != nil {
				return err
			}
			if err := pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error { return reactions.SetCheckpoint(ctx, tx, at) }); err != nil {
				return err
			}
			fmt.Fprintf(s.out, "%s: goes on at the log's end, position %d; what came before it is not looked at again\n", at.Reaction, at.Position.Commit)
		}
		return nil
	})
}

type verifyCmd struct {
	Models []string `arg:"" optional:"" help:"Read models; none: all, and the diaries."`
}

// Run compares; it ends with an error if anything differs.
func (v verifyCmd) Run(s *stage, c *Config) error {
	return withHouse(s, c, func(ctx context.Context, h *house) error {
		models, clean := v.Models, true
		if len(models) == 0 {
			models = h.models.Names()
			report, err := projections.VerifyDiaries(ctx, h.archiveReader())
			if err != nil {
				return err
			}
			fmt.Fprintf(s.out, "diaries: %d events, %d jobs, %d reservations, %d unclaimed, %d gaps\n", report.Events, report.Jobs, report.Reservations,
				report.Unclaimed, len(report.Gaps))
			for _, g := range report.Gaps {
				fmt.Fprintf(s.out, "  %s: job %s, interpreter %s, reservation %s, at %d\n", g.What, g.Job, g.Interpreter, g.Reservation, g.Position.Commit)
			}
			clean = len(report.Gaps) == 0
		}
		if err := h.runner.Ensure(ctx, nil, models...); err != nil {
			return err
		}
		for _, model := range models {
			found, err := h.runner.Verify(ctx, model)
			if err != nil {
				return fmt.Errorf("verify %s: %w", model, err)
			}
			fmt.Fprintf(s.out, "%s: generation %d, %d events, %d rows, %d differences\n", model, found.Generation, found.Events, found.Rows, len(found.Differences))
			for _, d := range found.Differences {
				fmt.Fprintf(s.out, "  %s %s %s\n", d.What, d.Table, d.Key)
			}
			clean = clean && len(found.Differences) == 0
		}
		if !clean {
			return errors.New("the read models or diaries differ from the log")
		}
		return nil
	})
}

type replayCmd struct {
	Job string `arg:"" help:"Job reference, such as DTP1389466."`
}

// Run prints a job's history, one event a line of JSON as GET /jobs/{ref}/history answers it, oldest first.
func (r replayCmd) Run(s *stage, c *Config) error {
	return withHouse(s, c, func(ctx context.Context, h *house) error {
		if err := h.runner.Ensure(ctx, nil, "refs"); err != nil {
			return err
		}
		entries, err := h.history().Job(ctx, access.Viewer{Role: domain.Auditor}, r.Job)
		if err != nil {
			return err
		}
		out := json.NewEncoder(s.out)
		for _, e := range entries {
			if err := out.Encode(httpapi.HistoryItemOf(e)); err != nil {
				return err
			}
		}
		return nil
	})
}

type eraseCmd struct {
	Kind   string    `arg:"" enum:"booking,interpreter,user" help:"booking, interpreter or user."`
	ID     uuid.UUID `arg:"" help:"Its id."`
	Reason string    `help:"A code such as request or retention." default:"request"`
}

// Run erases a person as POST /erasures does.
func (e eraseCmd) Run(s *stage, c *Config) error {
	return withRunning(s, c, func(ctx context.Context, h *house) error {
		r := commands.Request{Viewer: operator(), Name: "erase"}
		erase := map[string]func(context.Context, commands.Request, uuid.UUID, string) (commands.Changed, error){
			"booking": h.commands.EraseBooking, "interpreter": h.commands.EraseInterpreter, "user": h.commands.EraseUser}[e.Kind]
		for {
			_, err := erase(ctx, r, e.ID, e.Reason)
			if err == nil {
				break
			}
			if !errors.Is(err, accounts.ErrBackup) || ctx.Err() != nil {
				return err
			}
			fmt.Fprintln(s.out, "a backup is being made: waiting for its end")
		}
		fmt.Fprintf(s.out, "erased %s %s: its keys are destroyed\n", e.Kind, e.ID)
		return nil
	})
}

// operator acts for whoever runs the binary on the machine.
func operator() access.Viewer {
	return access.Viewer{Role: domain.System, User: uuid.NewSHA1(domain.Namespace, []byte("operator"))}
}

type userCmd struct {
	Add      userAddCmd      `cmd:"" help:"Add an agency's user."`
	Password userPasswordCmd `cmd:"" help:"Set a user's password, read from standard input; it must be changed at the next sign-in."`
}

// passwordLink is the portal's page on which whoever holds a one-time link chooses a password.
const passwordLink = "/password-link"

type userAddCmd struct {
	Username string `arg:""`
	Name     string `required:"" help:"The person's name."`
	Email    string `required:"" help:"Mail address."`
	Role     string `required:"" enum:"assigner,finance,admin,safeguarding,auditor,analyst" help:"Role within the agency."`
}

// Run adds a user without a password and prints the one-time link with which to choose one.
func (u userAddCmd) Run(s *stage, c *Config) error {
	return withRunning(s, c, func(ctx context.Context, h *house) error {
		made, err := h.commands.AddUser(ctx, commands.Request{Viewer: operator(), Name: "create-user"}, commands.UserIn{Username: u.Username,
			Account: people.Account{Name: domain.Personal(u.Name), Email: domain.Personal(u.Email), Role: domain.Role(u.Role)}})
		if err != nil {
			return err
		}
		token, err := h.accounts.CreatePasswordToken(ctx, made.ID)
		if err != nil {
			return err
		}
		portal := "<address of the portal>"
		if r, ok := running(c.Data); ok {
			portal = r.HTTP
		}
		fmt.Fprintf(s.out, "user %s added; a password is chosen once at %s%s?token=%s\n", made.ID, portal, passwordLink, url.QueryEscape(token))
		return nil
	})
}

type userPasswordCmd struct {
	Username string `arg:""`
}

// Run reads the password from standard input, so that it stands in no process list.
func (u userPasswordCmd) Run(s *stage, c *Config) error {
	return withHouse(s, c, func(ctx context.Context, h *house) error {
		id, err := h.accounts.UserByName(ctx, u.Username)
		if err != nil {
			return err
		}
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the password: %w", err)
		}
		return h.accounts.SetPassword(ctx, id, strings.TrimRight(line, "\r\n"), true)
	})
}

// withRunning is withHouse with the read models running, for commands that answer once access has applied them.
func withRunning(s *stage, c *Config, f func(ctx context.Context, h *house) error) error {
	return withHouse(s, c, func(ctx context.Context, h *house) error {
		if err := h.runner.Start(ctx); err != nil {
			return err
		}
		h.closing("the projectors", func(context.Context) error { return h.runner.Stop() })
		return f(ctx, h)
	})
}

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make an API token for a user; it is shown this once."`
	Revoke tokenRevokeCmd `cmd:"" help:"Revoke a user's API token."`
}

type tokenCreateCmd struct {
	Username string `arg:""`
	Name     string `arg:"" help:"What the token is for."`
	Days     int    `help:"Days until it expires; 0: until revoked." default:"365"`
}

// Run makes a token.
func (t tokenCreateCmd) Run(s *stage, c *Config) error {
	return withHouse(s, c, func(ctx context.Context, h *house) error {
		user, err := h.accounts.UserByName(ctx, t.Username)
		if err != nil {
			return err
		}
		var expires time.Time
		if t.Days > 0 {
			expires = time.Now().AddDate(0, 0, t.Days)
		}
		token, id, err := h.accounts.CreateAPIToken(ctx, user, t.Name, expires)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "token %s: %s\n", id, token)
		return nil
	})
}

type tokenRevokeCmd struct {
	Username string    `arg:""`
	ID       uuid.UUID `arg:""`
}

// Run revokes a token.
func (t tokenRevokeCmd) Run(s *stage, c *Config) error {
	return withHouse(s, c, func(ctx context.Context, h *house) error {
		user, err := h.accounts.UserByName(ctx, t.Username)
		if err != nil {
			return err
		}
		return h.accounts.RevokeAPIToken(ctx, user, t.ID)
	})
}

type doctorCmd struct{}

// Run says what serve would use, and what is missing; it starts nothing.
func (doctorCmd) Run(s *stage, c *Config) error {
	var missing []string
	say := func(what, how string) { fmt.Fprintf(s.out, "%-16s %s\n", what, how) }
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return err
	}
	say("data folder", data)
	r, runs := running(c.Data)
	if runs {
		say("server", fmt.Sprintf("runs at %s (process %d)", r.HTTP, r.PID))
	} else {
		say("server", "does not run")
	}
	switch {
	case c.EventStoreURL != "":
		say("event log", "the cluster of EVENTSTORE_URL")
	case runs:
		say("event log", "the running server's")
	default:
		say("event log", "embedded, "+filepath.Join(data, "log"))
	}
	if database := cmp.Or(c.DatabaseURL, r.Database); database != "" {
		say("database", map[bool]string{true: "the one of DATABASE_URL", false: "the running server's"}[c.DatabaseURL != ""])
		pool, err := postgres.Open(s.ctx, database, postgres.PoolOptions{MaxConns: 1, Name: "dragoman doctor"})
		if err != nil {
			missing = append(missing, fmt.Sprintf("the database does not answer: %v", err))
		} else {
			pool.Close()
		}
	} else if where, err := postgres.Binaries(); err != nil {
		missing = append(missing, err.Error())
	} else {
		say("database", "a private cluster, binaries in "+where)
	}
	key := cmp.Or(c.MasterKeyFile, r.MasterKey, c.masterKeyFile())
	if _, err := os.Stat(key); err != nil {
		key += " (made at the first start)"
	}
	say("master key", key)
	if _, err := exec.LookPath("chromium"); err == nil {
		say("browser", "chromium, for the browser tests")
	}
	for _, m := range missing {
		say("missing", m)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d thing(s) missing", len(missing))
	}
	return nil
}

type healthcheckCmd struct {
	URL string `arg:"" default:"http://127.0.0.1:8080/readyz"`
}

// Run asks an address and ends with an error unless it answers 200: for containers without curl.
func (h healthcheckCmd) Run(s *stage, _ *Config) error {
	ctx, cancel := context.WithTimeout(s.ctx, 4*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d", h.URL, res.StatusCode)
	}
	return nil
}
