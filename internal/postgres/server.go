package postgres

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// server is one PostgreSQL server on its own folder:
//
//	<dir>/data          the cluster itself
//	<dir>/postgres.log  what the server says
//	<sockets>/          its Unix socket, 0700: only its owner and root come in
//
// It listens on nothing else, so the port only names the socket.
type server struct {
	dir       string
	sockets   string
	owner     *owner
	password  string
	settings  map[string]string // beside the ones all servers of ours share
	throwAway bool              // a test's: nothing in it needs to survive a crash
}

const (
	superuser = "dragoman"
	port      = "5432"

	startWithin = 60 * time.Second
	stopWithin  = 60 * time.Second

	// maxSocketDir leaves room for the socket's name within the 104 bytes that every system grants a socket's path.
	maxSocketDir = 104 - len("/.s.PGSQL.5432.lock")
)

func (s *server) data() string    { return filepath.Join(s.dir, "data") }
func (s *server) logFile() string { return filepath.Join(s.dir, "postgres.log") }
func (s *server) pidFile() string { return filepath.Join(s.data(), "postmaster.pid") }

// url is the address of one of the server's databases. It holds the password: never log it.
func (s *server) url(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(superuser, s.password), Path: "/" + database}
	u.RawQuery = url.Values{"host": {s.sockets}, "port": {port}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// made is the major version that made the cluster, 0 if there is none yet.
func (s *server) made() int {
	text, err := os.ReadFile(filepath.Join(s.data(), "PG_VERSION"))
	if err != nil {
		return 0
	}
	return majorVersion(string(text))
}

// initialise makes the cluster. It grows beside its place and is moved there whole, so a half-made one is never used.
func (s *server) initialise(ctx context.Context, b binaries) error {
	const need = 200 << 20 // a new cluster takes about 40 MB, its first WAL files and tables as much again
	if free, err := freeSpace(s.dir); err == nil && free < need {
		return fmt.Errorf("%s has %d MB free and a new database needs %d MB: free some space and start again", s.dir, free>>20, need>>20)
	}
	growing := s.data() + ".new"
	if err := os.RemoveAll(growing); err != nil {
		return fmt.Errorf("remove a half-made cluster: %w", err)
	}
	passwords := filepath.Join(s.dir, "initial-password")
	if err := os.WriteFile(passwords, []byte(s.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("hand over the first password: %w", err)
	}
	defer os.Remove(passwords)
	if s.owner != nil {
		if err := os.Chown(passwords, s.owner.uid, s.owner.gid); err != nil {
			return fmt.Errorf("hand over the first password: %w", err)
		}
	}
	args := []string{"--pgdata", growing, "--username", superuser, "--encoding", "UTF8", "--no-instructions",
		"--auth", "scram-sha-256", "--pwfile", passwords, "--lc-collate", "C"}
	if s.throwAway {
		args = append(args, "--no-sync")
	}
	// Text sorts by code point everywhere, and case folding knows all of Unicode where the system has C.UTF-8.
	out, err := s.owner.command(s.dir, b.initdb(), append(args, "--lc-ctype", "C.UTF-8")...).CombinedOutput()
	if err != nil && strings.Contains(string(out), "invalid locale") {
		os.RemoveAll(growing)
		out, err = s.owner.command(s.dir, b.initdb(), append(args, "--lc-ctype", "C")...).CombinedOutput()
	}
	if caught(ctx, err) {
		return fmt.Errorf("make the database in %s: %w", s.dir, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("make the database in %s: %s", s.dir, explain(string(out), err))
	}
	if err := os.Rename(growing, s.data()); err != nil {
		return fmt.Errorf("put the new database in place: %w", err)
	}
	return nil
}

// explain makes one clear sentence of what a server program said.
func explain(said string, err error) string {
	switch {
	case strings.Contains(said, "No space left on device"):
		return "the disk is full: free some space and start again"
	case strings.Contains(said, "Permission denied"):
		return "permission denied: " + lastLine(said)
	case strings.TrimSpace(said) != "":
		return lastLine(said)
	}
	return err.Error()
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.Contains(lines[i], "FATAL") || strings.Contains(lines[i], "error:") || strings.Contains(lines[i], "PANIC") {
			return lines[i]
		}
	}
	return lines[len(lines)-1]
}

// config is the whole postgresql.conf; it is written at each start, so an upgrade of ours reaches old clusters. images is how whole pages are compressed
// on their way to the log of writes.
func (s *server) config(images string) string {
	settings := map[string]string{
		"listen_addresses":                  "",
		"port":                              port,
		"unix_socket_directories":           s.sockets,
		"unix_socket_permissions":           "0700",
		"max_connections":                   "200",
		"shared_buffers":                    "256MB",
		"work_mem":                          "16MB",
		"maintenance_work_mem":              "128MB",
		"max_wal_size":                      "1GB",
		"wal_compression":                   images,
		"synchronous_commit":                "on", // an acknowledged fact survives a crash
		"random_page_cost":                  "1.1",
		"jit":                               "off", // our queries are short; compiling them costs more than they take
		"timezone":                          "UTC",
		"log_timezone":                      "UTC",
		"log_min_messages":                  "log",   // an error's message may quote personal data; whoever caused it logs its SQLSTATE
		"log_min_error_statement":           "panic", // a statement may hold personal data
		"log_checkpoints":                   "off",
		"log_parameter_max_length":          "0",
		"log_parameter_max_length_on_error": "0",
	}
	for name, value := range s.settings {
		settings[name] = value
	}
	var text strings.Builder
	text.WriteString("# Written by dragoman at each start. Change settings with ALTER SYSTEM, which wins over this file.\n")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&text, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	return text.String()
}

// start makes the server run and returns once it answers. When it returns an error, nothing runs that it has started.
func (s *server) start(ctx context.Context, b binaries) error {
	if err := s.owner.makeDir(s.sockets, 0o700); err != nil {
		return fmt.Errorf("make the socket's folder: %w", err)
	}
	conf := filepath.Join(s.data(), "postgresql.conf")
	if err := os.WriteFile(conf, []byte(s.config(b.imageCompression())), 0o600); err != nil {
		return fmt.Errorf("write the server's settings: %w", err)
	}
	s.dropStrangersPidFile()
	said, err := s.openLog()
	if err != nil {
		return fmt.Errorf("open the server's log: %w", err)
	}
	defer said.Close()
	from, err := said.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("open the server's log: %w", err)
	}

	cmd := s.owner.command(s.dir, b.postgres(), "-D", s.data())
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // also reaps it when it ends long after, in our lifetime
	end := func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // "fast", as in stop; it has ended otherwise
		select {
		case <-ended:
		case <-time.After(stopWithin):
		}
	}

	deadline := time.Now().Add(startWithin)
	for {
		err := s.answers(ctx)
		switch {
		case err == nil:
			return nil
		case recovering(err):
			deadline = time.Now().Add(startWithin) // after a crash that takes as long as it takes
		case time.Now().After(deadline):
			end()
			return fmt.Errorf("PostgreSQL did not answer within %s (see %s): %w", startWithin, s.logFile(), err)
		}
		select {
		case exit := <-ended:
			if caught(ctx, exit) {
				return fmt.Errorf("start PostgreSQL (see %s): %w", s.logFile(), ctx.Err())
			}
			return fmt.Errorf("PostgreSQL ended while starting: %s (see %s)", explain(s.saidSince(from), orDefault(exit, errors.New("no reason given"))), s.logFile())
		case <-ctx.Done():
			end()
			return fmt.Errorf("wait for PostgreSQL (see %s): %w: %w", s.logFile(), ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// openLog opens the log for appending; one grown large is set aside first, replacing the one before.
func (s *server) openLog() (*os.File, error) {
	const large = 10 << 20
	if info, err := os.Stat(s.logFile()); err == nil && info.Size() > large {
		if err := os.Rename(s.logFile(), s.logFile()+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

func (s *server) saidSince(offset int64) string {
	text, err := os.ReadFile(s.logFile())
	if err != nil || int64(len(text)) < offset {
		return ""
	}
	return string(text[offset:])
}

// answers checks that a server is there and that it is the one on our folder.
func (s *server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var folder string
	if err := conn.QueryRow(ctx, `select current_setting('data_directory')`).Scan(&folder); err != nil {
		return err
	}
	if !sameFolder(folder, s.data()) {
		return fmt.Errorf("the server at %s works on another folder", s.sockets)
	}
	return nil
}

// recovering reports whether err is a server's word that it is still starting.
func recovering(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && answer.Code == "57P03"
}

// running finds the server of our folder by its pid file. It returns the socket folder that it was started with.
func (s *server) running() (pid int, sockets string, ok bool) {
	lines, err := readLines(s.pidFile())
	if err != nil || len(lines) < 5 {
		return 0, "", false
	}
	pid, err = strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || !alive(pid) || !isPostgres(pid) || !sameFolder(lines[1], s.data()) {
		return 0, "", false
	}
	return pid, lines[4], true
}

// dropStrangersPidFile removes a pid file whose number now belongs to some other program, as happens after a reboot:
// PostgreSQL would take that program for another server on its folder. It is kept whenever there is a doubt.
func (s *server) dropStrangersPidFile() {
	lines, err := readLines(s.pidFile())
	if err != nil || len(lines) == 0 {
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err == nil && alive(pid) && !isPostgres(pid) {
		os.Remove(s.pidFile())
	}
}

// stop ends the server: clients are cut off, everything is written, and no recovery is needed at the next start.
func (s *server) stop(ctx context.Context) error {
	pid, _, ok := s.running()
	if !ok {
		return nil
	}
	signal := syscall.SIGINT // "fast"
	if s.throwAway {
		signal = syscall.SIGQUIT // "immediate"
	}
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	for {
		if _, _, still := s.running(); !still {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL did not stop (see %s): %w", s.logFile(), ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// alive reports whether pid is a process, ours or not.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// isPostgres reports whether pid may be a PostgreSQL server. Where the system does not tell, it may.
func isPostgres(pid int) bool {
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		return true
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	program, _, _ := strings.Cut(string(text), "\x00")
	name := filepath.Base(program) // a zombie has no command line: it is no server
	return name == "postgres" || name == "postmaster"
}

func sameFolder(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

func readLines(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var lines []string
	for scan := bufio.NewScanner(file); scan.Scan(); {
		lines = append(lines, scan.Text())
	}
	return lines, nil
}

func freeSpace(dir string) (bytes uint64, err error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return 0, err
	}
	return stat.Bavail * uint64(stat.Bsize), nil
}

func newPassword() string { return rand.Text() }
