// Dragoman is an event-sourced booking engine: one binary that serves, keeps and repairs a deployment.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // zones are the same on every machine

	"github.com/alecthomas/kong"

	"github.com/dragoman-booking/dragoman/internal/telemetry"
)

type cli struct {
	Config `embed:""`

	Serve       serveCmd       `cmd:"" help:"Serve the API and run the read models."`
	Demo        demoCmd        `cmd:"" help:"Serve with demo data, made once through real commands."`
	Eventstore  eventstoreCmd  `cmd:"" help:"Run the embedded event log alone."`
	Migrate     migrateCmd     `cmd:"" help:"Bring the database's kept schema up to date."`
	Rebuild     rebuildCmd     `cmd:"" help:"Fill read models anew beside the live ones, then switch."`
	Resume      resumeCmd      `cmd:"" help:"Have reactions go on at the log's end whose checkpoint the log does not hold."`
	Verify      verifyCmd      `cmd:"" help:"Compare read models with the log, and diaries with assignments."`
	Replay      replayCmd      `cmd:"" help:"Print a job's history from the log."`
	Erase       eraseCmd       `cmd:"" help:"Erase a person: destroy the keys of a booking, interpreter or user."`
	User        userCmd        `cmd:"" help:"Add a user, set a password."`
	Token       tokenCmd       `cmd:"" help:"Make or revoke an API token."`
	Analyst     analystCmd     `cmd:"" help:"Give or take the login with which analysts query the read models by SQL."`
	Backup      backupCmd      `cmd:"" help:"Write log, kept and files into a folder, while the server runs. The master key is not in it."`
	Restore     restoreCmd     `cmd:"" help:"Restore a backup into empty places."`
	Doctor      doctorCmd      `cmd:"" help:"Say what would be used and what is missing."`
	Healthcheck healthcheckCmd `cmd:"" hidden:"" help:"Ask an address and exit with its health."`
}

// stage is what a subcommand may use of the outside world.
type stage struct {
	ctx    context.Context
	out    io.Writer
	errOut io.Writer
	log    *slog.Logger
	traces *telemetry.Traces // a test's own; nil: as configured
}

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300) // what a request allocates is gone with it: collecting a third as often costs some memory, not time
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr, slog.SetDefault); err != nil {
		fmt.Fprintln(os.Stderr, "dragoman:", sentence(err))
		os.Exit(1)
	}
}

// run carries out a command line. setLog is told the logger for whatever is handed none: rooms of ours, and libraries.
func run(ctx context.Context, args []string, out, errOut io.Writer, setLog func(*slog.Logger)) error {
	var c cli
	parser, err := kong.New(&c, kong.Name("dragoman"), kong.Description("An event-sourced booking engine for interpreting agencies."),
		kong.UsageOnError(), kong.Writers(out, errOut))
	if err != nil {
		return fmt.Errorf("describe the command line: %w", err)
	}
	call, err := parser.Parse(args)
	if err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("the configuration has faults:\n%w", err)
	}
	log := logger(c.Config, errOut)
	setLog(log)
	err = call.Run(&stage{ctx: ctx, out: out, errOut: errOut, log: log}, &c.Config)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		if serves(call.Command()) {
			return nil // asked to stop, and stopped
		}
		return fmt.Errorf("interrupted: %w", err) // what was asked for is not done
	}
	return err
}

// serves tells whether a subcommand goes on until it is asked to stop.
func serves(command string) bool {
	return command == "serve" || command == "demo" || command == "eventstore serve"
}

func logger(c Config, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // the enum allows only levels
	return telemetry.NewLogger(w, level, c.LogFormat == "json")
}

// sentence ends an error for a person.
func sentence(err error) string { return strings.TrimRight(err.Error(), ".\n") + "." }
