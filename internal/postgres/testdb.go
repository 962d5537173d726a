package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// TestDB gives the test a database of its own, with schema kept migrated, and a pool on it. Both go when the test ends.
//
// All test processes of a user share one server that survives none of them for long:
//
//   - It lies in a fixed folder of the temporary directory. The first process makes and starts it, under a file lock.
//   - Every process leaves its number in the folder's users/. A detached shell, the keeper, looks there every second and
//     takes away the numbers of processes that are gone. When users/ has been empty for a minute, the keeper removes it,
//     ends the server and deletes the cluster, so nothing old is left for the next run.
//   - Removing a folder fails while a file is in it, so the keeper cannot end a server that someone has just come to use;
//     and a process that finds users/ missing waits for the keeper to finish and starts anew.
//
// Databases are copied from a template that is named by the hash of the migrations, made once per set of migrations.
func TestDB(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return testPool(t, TestURL(t))
}

// TestURL is the address of a database as [TestDB] gives, for tests that start programs of their own.
func TestURL(t testing.TB) string {
	t.Helper()
	return newTestDatabase(t, func(c *testCluster) string {
		if c.major < 15 {
			return ` template ` + c.template()
		}
		return ` template ` + c.template() + ` strategy file_copy` // four times as fast as by WAL, without fsync
	})
}

// TestEmptyURL is the address of a database without any schema of ours, for tests of migrating itself.
func TestEmptyURL(t testing.TB) string {
	t.Helper()
	return newTestDatabase(t, func(*testCluster) string { return "" })
}

func newTestDatabase(t testing.TB, from func(*testCluster) string) (url string) {
	t.Helper()
	c, err := testServer()
	if err != nil {
		t.Fatalf("start the test database server: %v", err)
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), testCount.Add(1))
	if err := c.do(`create database ` + name + from(c)); err != nil {
		t.Fatalf("make the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := c.do(`drop database if exists ` + name + ` with (force)`); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return c.url(name)
}

// TestDataDir is a data folder for tests that run a private cluster. The server's user can reach it, so the cluster lies
// in it; when the test ends, a server left there is ended and everything goes.
func TestDataDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, open := range []string{dir, filepath.Dir(dir)} { // the outer one is made for its owner alone
		if err := os.Chmod(open, 0o755); err != nil {
			t.Fatalf("open the test's data folder to the server's user: %v", err)
		}
	}
	t.Cleanup(func() {
		left := &server{dir: filepath.Join(dir, insideDataDir), throwAway: true}
		if err := left.stop(context.Background()); err != nil {
			t.Errorf("end the server that the test left: %v", err)
		}
	})
	return dir
}

// testCount numbers the databases of this process.
var testCount atomic.Int64

func testPool(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := Open(context.Background(), url, PoolOptions{MaxConns: 8, Name: "dragoman test"})
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(func() {
		closed := make(chan struct{})
		go func() {
			pool.Close()
			close(closed)
		}()
		select {
		case <-closed:
		case <-time.After(time.Minute): // what failed may still hold it, and waiting for that would hide the failure
			t.Error("a connection of the test's pool was not given back within a minute")
		}
	})
	return pool
}

// testCluster is the shared server as this process uses it.
type testCluster struct {
	*server
	major int           // version of PostgreSQL
	admin *pgxpool.Pool // on database postgres; a few connections for making and dropping databases
}

// testServer finds or starts the shared server, once per process.
var testServer = sync.OnceValues(func() (*testCluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	bin, err := choose(installed(), 0)
	if err != nil {
		return nil, err
	}
	own, err := serverOwner()
	if err != nil {
		return nil, err
	}
	home, err := testFolder(own, bin, "dragoman-test-postgres")
	if err != nil {
		return nil, err
	}
	return joinTestServer(ctx, home, own, bin, linger)
})

// linger is how long the shared server waits for its next user. It bridges the gaps between the packages of one
// `go test ./...` and between two runs of a working developer.
const linger = time.Minute

func joinTestServer(ctx context.Context, home string, own *owner, bin binaries, linger time.Duration) (*testCluster, error) {
	starting, err := waitForLock(ctx, filepath.Join(home, "lock"))
	if err != nil {
		return nil, err
	}
	defer starting.release()
	users := filepath.Join(home, "users")
	if err := register(ctx, home, users); err != nil {
		return nil, fmt.Errorf("register with the test server: %w", err)
	}
	s := &server{
		dir:       filepath.Join(home, "cluster"),
		sockets:   filepath.Join(home, "run"),
		owner:     own,
		throwAway: true,
		settings: map[string]string{
			"max_connections": "500", "shared_buffers": "128MB", "max_wal_size": "4GB",
			// Nothing here outlives a crash of the machine, and nothing has to.
			"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0",
		},
	}
	if err := s.runForTests(ctx, bin, filepath.Join(home, "password")); err != nil {
		return nil, err
	}
	if err := keep(home, linger); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(s.url("postgres"))
	if err != nil {
		return nil, err
	}
	config.MaxConns = 4
	admin, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	c := &testCluster{server: s, major: bin.major, admin: admin}
	return c, c.makeTemplate(ctx)
}

// testFolder is the fixed folder of the shared server, one for each user of the machine.
func testFolder(own *owner, b binaries, name string) (string, error) {
	var tried []error
	for _, temp := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		dir := filepath.Join(temp, fmt.Sprint(name, "-", os.Geteuid()))
		if len(dir)+len("/run") > maxSocketDir {
			tried = append(tried, fmt.Errorf("%s: too long a path for a socket", dir))
			continue
		}
		if err := makeOwnDir(dir, 0o755); err != nil {
			tried = append(tried, err)
			continue
		}
		if !own.reaches(dir, b) {
			tried = append(tried, fmt.Errorf("%s: the server's user cannot reach it", dir))
			continue
		}
		return dir, nil
	}
	return "", errors.Join(tried...)
}

// register leaves this process's number in users/, first waiting for a keeper that is about to end the server.
func register(ctx context.Context, home, users string) error {
	mine := filepath.Join(users, strconv.Itoa(os.Getpid()))
	for {
		err := os.WriteFile(mine, nil, 0o600)
		if !errors.Is(err, fs.ErrNotExist) {
			return err // nil: the keeper cannot remove users/ any more
		}
		if pid := keeper(home); pid == 0 {
			if err := os.Mkdir(users, 0o700); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the last server is still being ended: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// runForTests makes the server run: the one there, or a new one on a new cluster.
func (s *server) runForTests(ctx context.Context, b binaries, passwordFile string) error {
	if password, err := os.ReadFile(passwordFile); err == nil {
		s.password = string(password)
		if _, _, ok := s.running(); ok && s.answers(ctx) == nil {
			return nil
		}
	}
	// What else is there was left by a crash, or by someone who killed the server: nobody needs it.
	if err := s.stop(ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	s.password = newPassword()
	if err := os.WriteFile(passwordFile, []byte(s.password), 0o600); err != nil {
		return err
	}
	if err := s.owner.makeDir(s.dir, 0o700); err != nil {
		return err
	}
	if err := s.initialise(ctx, b); err != nil {
		return err
	}
	return s.start(ctx, b)
}

// keeperScript ends the server once nobody uses it. It runs as our user, so it may ask after our processes; $1 is the
// folder, $2 how many seconds to wait for a next user.
const keeperScript = `
cd "$1" || exit 1
idle=0
while [ "$idle" -lt "$2" ]; do
	sleep 1
	idle=$((idle + 1))
	for f in users/*; do
		[ -e "$f" ] || continue
		if kill -0 "${f#users/}" 2>/dev/null; then idle=0; else rm -f "$f"; fi
	done
	if [ "$idle" -ge "$2" ]; then rmdir users 2>/dev/null || idle=0; fi
done
pid=$(head -n 1 cluster/data/postmaster.pid 2>/dev/null)
if [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null; then
	tries=0
	while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 30 ]; do sleep 1; tries=$((tries + 1)); done
fi
rm -rf cluster run password keeper.pid
`

// keep makes sure that a keeper watches the server.
func keep(home string, linger time.Duration) error {
	if keeper(home) != 0 {
		return nil
	}
	// Its outputs go nowhere: `go test` waits for everyone who holds its own.
	cmd := exec.Command("/bin/sh", "-c", keeperScript, "dragoman-test-keeper", home, strconv.Itoa(int(linger.Seconds())))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Dir = home
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the test server's keeper: %w", err)
	}
	go cmd.Wait() // it may end while we live, if someone kills it
	return os.WriteFile(filepath.Join(home, "keeper.pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600)
}

// keeper is the process number of the living keeper, or 0.
func keeper(home string) int {
	text, err := os.ReadFile(filepath.Join(home, "keeper.pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || !alive(pid) {
		return 0
	}
	if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && !strings.Contains(string(line), "dragoman-test-keeper") {
		return 0 // the number is another program's now
	}
	return pid
}

func (c *testCluster) template() string { return "template_" + migrationsHash() }

// makeTemplate makes the database that all others are copied from, unless it is there. One process does it, the caller
// holding the folder's lock. It gets its name last, so a half-made one is never copied.
func (c *testCluster) makeTemplate(ctx context.Context) error {
	var there bool
	if err := c.admin.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, c.template()).Scan(&there); err != nil || there {
		return err
	}
	growing := c.template() + "_new"
	if err := c.do(`drop database if exists ` + growing + ` with (force)`); err != nil {
		return err
	}
	if err := c.do(`create database ` + growing); err != nil {
		return err
	}
	pool, err := Open(ctx, c.url(growing), PoolOptions{MaxConns: 1})
	if err != nil {
		return err
	}
	err = Migrate(ctx, pool)
	pool.Close()
	if err != nil {
		return err
	}
	// A template with a connection to it cannot be copied, so none is let in.
	if err := c.do(`alter database ` + growing + ` with allow_connections false`); err != nil {
		return err
	}
	if err := c.do(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '` + growing + `'`); err != nil {
		return err
	}
	return c.do(`alter database ` + growing + ` rename to ` + c.template())
}

// do runs one statement on the server as a whole.
func (c *testCluster) do(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := c.admin.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol)
	return err
}
