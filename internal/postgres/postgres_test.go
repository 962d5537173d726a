package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func TestTestDBsAreMigratedAndApart(t *testing.T) {
	t.Parallel()
	one, two := TestDB(t), TestDB(t)
	do(t, one, `insert into kept.leases (name, holder, expires_at) values ('only here', 'test', now())`)
	if got := value[int](t, two, `select count(*) from kept.leases`); got != 0 {
		t.Errorf("the second database holds %d rows of the first", got)
	}
	if got := value[int](t, one, `select count(*) from kept.leases`); got != 1 {
		t.Errorf("the first database holds %d rows, want 1", got)
	}
}

func TestTestDBSortsByCodePointAndFoldsUnicode(t *testing.T) {
	t.Parallel()
	db := TestDB(t)
	if got := value[string](t, db, `select string_agg(x, '' order by x) from unnest(array['b','a','B','é']) x`); got != "Babé" {
		t.Errorf("sorted %q, want Babé", got)
	}
	if got := value[string](t, db, `select lower('ÉŁ')`); got != "éł" {
		t.Errorf("lower case is %q, want éł", got)
	}
}

func TestMigrateRacedByEight(t *testing.T) {
	t.Parallel()
	pool := testPool(t, TestEmptyURL(t))
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = Migrate(t.Context(), pool) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("racer %d: %v", i, err)
		}
	}
	names, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	// One row a step, and goose's own version 0.
	if got := value[int](t, pool, `select count(*) from kept.migrations`); got != len(names)+1 {
		t.Errorf("%d steps recorded, want %d", got, len(names)+1)
	}
}

func TestMigrateNeedsNoConnectionOfThePool(t *testing.T) {
	t.Parallel()
	pool, err := Open(t.Context(), TestEmptyURL(t), PoolOptions{MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	held, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	if err := Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
}

func TestMigrateRefusesANewerDatabase(t *testing.T) {
	t.Parallel()
	db := TestDB(t)
	do(t, db, `insert into kept.migrations (version_id, is_applied) values (99999, true)`)
	err := Migrate(t.Context(), db)
	if err == nil || !strings.Contains(err.Error(), "run the newer dragoman") {
		t.Errorf("a database from the future: %v", err)
	}
}

func startForTest(t *testing.T, dataDir string) *Cluster {
	t.Helper()
	c, err := StartPrivate(t.Context(), Options{DataDir: dataDir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// closedDataDir is a data folder that the server's user cannot reach, as a clone under a home folder is.
func closedDataDir(t *testing.T) string {
	t.Helper()
	dir := TestDataDir(t)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n, err := (&Cluster{dataDir: dir}).readNote(); err == nil && n != nil && filepath.IsAbs(n.Folder) {
			os.RemoveAll(n.Folder)
		}
	})
	return dir
}

func TestPrivateClusterKeepsItsRows(t *testing.T) {
	t.Parallel()
	dir := TestDataDir(t)
	first := startForTest(t, dir)
	pool := testPool(t, first.URL())
	do(t, pool, `create table kept_rows (x int)`)
	do(t, pool, `insert into kept_rows values (7)`)
	pool.Close()
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := first.server.running(); ok {
		t.Fatal("the server still runs after its last user stopped")
	}
	second := startForTest(t, dir)
	if second.Adopted() {
		t.Error("a stopped server cannot be adopted")
	}
	if got := value[int](t, testPool(t, second.URL()), `select x from kept_rows`); got != 7 {
		t.Errorf("the row is %d after a restart, want 7", got)
	}
}

// TestPrivateClusterWhoseStartIsGivenUp: whoever is interrupted while the server starts leaves none behind, and says what interrupted.
func TestPrivateClusterWhoseStartIsGivenUp(t *testing.T) {
	t.Parallel()
	dir := TestDataDir(t)
	left := &server{dir: filepath.Join(dir, insideDataDir)}
	ctx, cancel := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		eventually(t, "the server to be on its way up", func() bool {
			_, _, ok := left.running()
			return ok
		})
		cancel()
	}()
	c, err := StartPrivate(ctx, Options{DataDir: dir, Logger: slog.New(slog.DiscardHandler)})
	<-watched
	if err == nil { // it was quicker than we
		err = c.Stop(t.Context())
	} else if !errors.Is(err, context.Canceled) {
		t.Errorf("the start was given up with: %v", err)
	}
	if pid, _, ok := left.running(); ok {
		t.Errorf("process %d is left (%v)", pid, err)
	}
}

// TestPagesAreCompressedQuicklyOrNotAtAll: PostgreSQL's own method is slow.
func TestPagesAreCompressedQuicklyOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, b := range installed() {
		if how := b.imageCompression(); how != "off" && (how != "lz4" || b.major < 15) {
			t.Errorf("PostgreSQL %d compresses pages by %q", b.major, how)
		}
	}
	if how := (binaries{dir: t.TempDir(), major: 15}).imageCompression(); how != "off" {
		t.Errorf("binaries that do not say how they were made compress pages by %q", how)
	}
}

func TestPrivateClusterIsSharedUntilTheLastStops(t *testing.T) {
	t.Parallel()
	dir := TestDataDir(t)
	first, second := startForTest(t, dir), startForTest(t, dir)
	if first.Adopted() || !second.Adopted() {
		t.Errorf("adopted: %v, %v; want the second to join the first's server", first.Adopted(), second.Adopted())
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	value[int](t, testPool(t, second.URL()), `select 1`)
	if err := second.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := second.server.running(); ok {
		t.Error("the server still runs after its last user stopped")
	}
}

func TestPrivateClusterIsStartedAgainWhenItDies(t *testing.T) {
	t.Parallel()
	c := startForTest(t, TestDataDir(t))
	pool := testPool(t, c.URL())
	do(t, pool, `create table survivors (x int)`)
	pid, _, ok := c.server.running()
	if !ok {
		t.Fatal("no server runs")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the table to be there again", func() bool {
		now, _, ok := c.server.running()
		if !ok || now == pid {
			return false
		}
		_, err := pool.Exec(t.Context(), `insert into survivors values (1)`)
		return err == nil
	})
}

// TestMain also serves as the program that holds a cluster and is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("DRAGOMAN_TEST_HOLD_CLUSTER"); dir != "" {
		if _, err := StartPrivate(context.Background(), Options{DataDir: dir}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("running")
		select {}
	}
	os.Exit(m.Run())
}

func TestPrivateClusterOfAKilledProcessIsAdopted(t *testing.T) {
	t.Parallel()
	for _, kill := range []struct {
		how    string
		signal syscall.Signal
	}{
		{"killed outright", syscall.SIGKILL},
		{"Ctrl-C, which reaches the whole process group", syscall.SIGINT},
	} {
		t.Run(kill.how, func(t *testing.T) {
			t.Parallel()
			dir := TestDataDir(t)
			holder := hold(t, dir)
			if err := syscall.Kill(-holder.Process.Pid, kill.signal); err != nil {
				t.Fatal(err)
			}
			if err := holder.Wait(); err == nil {
				t.Fatal("the holder ended well: it was to be killed")
			}

			c := startForTest(t, dir)
			if !c.Adopted() {
				t.Error("the killed process's server was not adopted")
			}
			value[int](t, testPool(t, c.URL()), `select 1`)
			if err := c.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, _, ok := c.server.running(); ok {
				t.Error("the adopted server still runs: the killed process holds no lock any more")
			}
		})
	}
}

// hold runs a process that uses the data folder's cluster until it is killed.
func hold(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), "DRAGOMAN_TEST_HOLD_CLUSTER="+dir)
	holder.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	if line != "running\n" {
		t.Fatalf("the holder says %q, %v", line, err)
	}
	return holder
}

func TestPrivateClusterOfAClosedDataFolder(t *testing.T) {
	t.Parallel()
	dir := closedDataDir(t)
	first := startForTest(t, dir)
	if os.Geteuid() == 0 && within(first.server.dir, dir) {
		t.Errorf("the cluster lies in %s, which the server's user cannot reach", first.server.dir)
	}
	do(t, testPool(t, first.URL()), `create table here (x int)`)
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	t.Run("a copy is refused or apart, a moved one is fine", func(t *testing.T) {
		onlyOutside(t)
		text, err := os.ReadFile(first.notePath())
		if err != nil {
			t.Fatal(err)
		}
		copied := closedDataDir(t)
		if err := os.WriteFile(filepath.Join(copied, "postgres.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = StartPrivate(t.Context(), Options{DataDir: copied, Logger: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), "is a copy of") {
			t.Errorf("starting on a copied data folder: %v", err)
		}
		if err := os.Remove(first.notePath()); err != nil { // now it is a move
			t.Fatal(err)
		}
		moved := startForTest(t, copied)
		if got := value[int](t, testPool(t, moved.URL()), `select count(*) from here`); got != 0 {
			t.Errorf("%d rows, want an empty table", got)
		}
		if err := moved.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// onlyOutside skips what is about a cluster outside its data folder for whoever has none: the server refuses to run as root, so root's is another
// user's, who cannot reach the folder; everybody else's lies in it.
func onlyOutside(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root's clusters lie outside the data folder; everybody else's go with it")
	}
}

// killedOutside is a data folder whose cluster lies outside, and that cluster: the process that began it was killed, the cluster's server runs on.
func killedOutside(t *testing.T) (dir string, left *note) {
	t.Helper()
	onlyOutside(t)
	dir = closedDataDir(t)
	holder := hold(t, dir)
	left, err := (&Cluster{dataDir: dir}).readNote()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // killed: that is its error
	return dir, left
}

func TestPrivateClusterOfADeletedDataFolderIsCleared(t *testing.T) {
	t.Parallel()
	gone, left := killedOutside(t)
	if err := os.RemoveAll(gone); err != nil {
		t.Fatal(err)
	}

	startForTest(t, closedDataDir(t))
	if _, err := os.Stat(left.Folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the cluster of the deleted data folder is still there: %v", err)
	}
}

// A data folder that was emptied after a kill, as one does before a second restore, begins anew, and nothing of the old cluster runs on.
func TestPrivateClusterOfAnEmptiedDataFolderIsStopped(t *testing.T) {
	t.Parallel()
	dir, left := killedOutside(t)
	t.Cleanup(func() { os.RemoveAll(left.Folder) })
	c := &Cluster{dataDir: dir}
	old := &server{dir: left.Folder}
	if _, _, ok := old.running(); !ok {
		t.Fatal("the killed process's server is gone: this proves nothing")
	}
	for _, name := range []string{c.notePath(), c.startLock(), c.usersLock()} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}

	fresh := startForTest(t, dir)
	if fresh.Adopted() || fresh.server.dir == left.Folder {
		t.Error("the emptied data folder goes on with the old cluster")
	}
	if pid, _, ok := old.running(); ok {
		t.Errorf("the old cluster's server runs on as process %d", pid)
	}
	if _, err := os.Stat(old.data()); err != nil {
		t.Errorf("the old cluster's files, which may be somebody's, are gone: %v", err)
	}
}

func TestPrivateClusterAtALongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(TestDataDir(t), strings.Repeat("deep/", 20), "it's here")
	t.Cleanup(func() {
		os.RemoveAll(filepath.Join(sharedFolder(dir), "socket-"+shortHash(filepath.Join(dir, insideDataDir))))
	})
	c := startForTest(t, dir)
	value[int](t, testPool(t, c.URL()), `select 1`)
}

func TestPrivateClusterAfterAReboot(t *testing.T) {
	t.Parallel()
	dir := TestDataDir(t)
	c := startForTest(t, dir)
	s := c.server
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A power cut leaves the pid file, and its number may now be any other program's: ours, say.
	stale := fmt.Sprintf("%d\n%s\n1700000000\n5432\n%s\n\n", os.Getpid(), s.data(), s.sockets)
	if err := os.WriteFile(s.pidFile(), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	again := startForTest(t, dir)
	if again.Adopted() {
		t.Error("the test itself was adopted as a server")
	}
	value[int](t, testPool(t, again.URL()), `select 1`)
}

func TestPrivateClusterThatIsGone(t *testing.T) {
	t.Parallel()
	dir := TestDataDir(t)
	c := startForTest(t, dir)
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(c.server.dir); err != nil {
		t.Fatal(err)
	}
	_, err := StartPrivate(t.Context(), Options{DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "is gone: restore it from a backup") {
		t.Errorf("a lost cluster must not be replaced by an empty one: %v", err)
	}
}

func TestMissingBinariesNameTheirInstall(t *testing.T) {
	t.Parallel()
	_, err := startPrivate(t.Context(), Options{DataDir: t.TempDir()}, func() []binaries { return serversIn([]string{t.TempDir()}) })
	if !errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("without binaries: %v", err)
	}
}

func TestBinariesMatchTheClustersVersion(t *testing.T) {
	t.Parallel()
	found := []binaries{{"/new", 17}, {"/old", 15}}
	if b, err := choose(found, 0); err != nil || b.major != 17 {
		t.Errorf("a new cluster is made by %v, %v; want the newest", b, err)
	}
	if b, err := choose(found, 15); err != nil || b.major != 15 {
		t.Errorf("a cluster of 15 is run by %v, %v", b, err)
	}
	if _, err := choose(found, 16); err == nil || !strings.Contains(err.Error(), "apt-get install postgresql-16") {
		t.Errorf("a cluster of 16 without its binaries: %v", err)
	}
	for said, want := range map[string]int{"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": 15, "postgres (PostgreSQL) 18beta1": 18, "": 0} {
		if got := majorVersion(said); got != want {
			t.Errorf("%q is version %d, want %d", said, got, want)
		}
	}
}

func TestInstalledFollowsLinksToTheRealFolder(t *testing.T) {
	t.Parallel()
	for _, b := range installed() {
		if info, err := os.Lstat(b.postgres()); err != nil || info.Mode()&os.ModeSymlink != 0 {
			t.Errorf("%s is a link or missing (%v): the server's own files lie elsewhere", b.postgres(), err)
		}
	}
}

func TestServersWordsBecomeOneSentence(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"initdb: error: could not write: No space left on device\ninitdb: removing":        "the disk is full: free some space and start again",
		"creating …\ninitdb: error: could not access directory \"x\": Permission denied\n": "permission denied: initdb: error: could not access directory \"x\": Permission denied",
		"LOG: a\nFATAL: lock file exists\nLOG: database system is shut down":               "FATAL: lock file exists",
		"": "exit status 1",
	} {
		if got := explain(said, errors.New("exit status 1")); got != want {
			t.Errorf("explain(%q) = %q, want %q", said, got, want)
		}
	}
}

func TestTestServerEndsWithItsLastUser(t *testing.T) {
	t.Parallel()
	bin, err := choose(installed(), 0)
	if err != nil {
		t.Fatal(err)
	}
	own, err := serverOwner()
	if err != nil {
		t.Fatal(err)
	}
	home, err := testFolder(own, bin, fmt.Sprint("dragoman-keeper-", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	for range 2 { // the second time proves that the first left a place to start anew
		c, err := joinTestServer(t.Context(), home, own, bin, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		again, err := joinTestServer(t.Context(), home, own, bin, time.Second) // as another package's process would
		if err != nil {
			t.Fatal(err)
		}
		if one, two := serverStart(t, c), serverStart(t, again); !one.Equal(two) {
			t.Error("the second user got a server of its own")
		}
		c.admin.Close()
		again.admin.Close()
		if err := os.Remove(filepath.Join(home, "users", fmt.Sprint(os.Getpid()))); err != nil { // as the keeper does when we end
			t.Fatal(err)
		}
		eventually(t, "the keeper to end the server and clean up", func() bool {
			_, err := os.Stat(c.dir)
			_, _, running := c.running()
			return errors.Is(err, fs.ErrNotExist) && !running && keeper(home) == 0
		})
	}
}

func serverStart(t *testing.T, c *testCluster) time.Time {
	return value[time.Time](t, c.admin, `select pg_postmaster_start_time()`)
}

func TestOpenSaysWhoRefused(t *testing.T) {
	t.Parallel()
	const secret = "never-shown"
	u, err := url.Parse(TestURL(t))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("dragoman", secret)
	began := time.Now()
	_, err = Open(t.Context(), u.String(), PoolOptions{})
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("a wrong password: %v", err)
	}
	if time.Since(began) > 10*time.Second {
		t.Error("a refusal was waited for as if the server were away")
	}
	_, err = Open(t.Context(), "postgres://x:"+secret+"@127.0.0.1:1/x?sslmode=disable", PoolOptions{Wait: time.Nanosecond})
	if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "\n") || !Away(err) {
		t.Errorf("no server: %v", err)
	}
	_, err = Open(t.Context(), "postgres://x:"+secret+"@127.0.0.1:port/x", PoolOptions{})
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("a broken address: %v", err)
	}
}

func TestOpenKeepsTheAddressesOwnLimits(t *testing.T) {
	t.Parallel()
	pool, err := Open(t.Context(), TestURL(t)+"&pool_max_conns=3&application_name=mine", PoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if got := pool.Config().MaxConns; got != 3 {
		t.Errorf("%d connections, want the address's 3", got)
	}
	if got := value[string](t, pool, `show application_name`); got != "mine" {
		t.Errorf("the name is %q, want the address's", got)
	}
	if got := value[string](t, pool, `show timezone`); got != "UTC" {
		t.Errorf("the zone is %s", got)
	}
}

// TestTheServerGivesUpADeadNetworkToo: it is told how to find out that a client is gone. On a socket file, as here, it has no use for that.
func TestTheServerGivesUpADeadNetworkToo(t *testing.T) {
	t.Parallel()
	params := TestDB(t).Config().ConnConfig.RuntimeParams
	for name, want := range map[string]string{"tcp_keepalives_idle": "4", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3", "tcp_user_timeout": "15000"} {
		if got := params[name]; got != want {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
}

func do(t *testing.T, db *pgxpool.Pool, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func value[T any](t *testing.T, db *pgxpool.Pool, query string, args ...any) (v T) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// eventually asks until it is so, or fails after a generous time: a server may make its cluster first, or recover it.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if so() {
			return
		}
	}
	t.Fatal(fmt.Sprint("waited in vain for ", what))
}

func TestAwayTellsAbsenceFromRefusal(t *testing.T) {
	t.Parallel()
	pool := TestDB(t)
	ask := func(sql string) error {
		_, err := pool.Exec(t.Context(), sql)
		return err
	}
	_, unreachable := pgx.Connect(t.Context(), "postgres://x@127.0.0.1:1/x?sslmode=disable")
	closed := func() error {
		conn, err := pgx.ConnectConfig(t.Context(), pool.Config().ConnConfig.Copy())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close(t.Context())
		return conn.Ping(t.Context())
	}
	for what, c := range map[string]struct {
		err  error
		away bool
	}{
		"ended by an administrator": {ask(`select pg_terminate_backend(pg_backend_pid())`), true},
		"nobody listens":            {unreachable, true},
		"a closed connection":       {closed(), true},
		"wrapped":                   {fmt.Errorf("read: %w", unreachable), true},
		"a faulty value":            {ask(`select 1/0`), false},
		"no such table":             {ask(`select from nowhere`), false},
		"no rows":                   {pgx.ErrNoRows, false},
		"no error":                  {nil, false},
	} {
		if got := Away(c.err); got != c.away {
			t.Errorf("%s: away is %v for %v", what, got, c.err)
		}
	}
}
