package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options says where a private cluster belongs.
type Options struct {
	// DataDir is Dragoman's data folder. The cluster lies in it where the server's user can reach it, otherwise under
	// /var/lib/dragoman, or in a folder of the temporary directory for a data folder that lies there itself. There it is
	// deleted, by a later start, once its data folder is gone.
	DataDir string

	// Logger hears of starts, adoptions and restarts. Default: slog.Default().
	Logger *slog.Logger
}

// Cluster is a running private PostgreSQL that this process uses, perhaps together with others.
type Cluster struct {
	server  *server
	bin     binaries
	dataDir string
	adopted bool
	log     *slog.Logger

	using *fileLock // shared by all processes that use the cluster
	end   context.CancelFunc
	ended chan struct{}
	once  sync.Once
}

const (
	database = "dragoman"

	// insideDataDir is the cluster's folder where the server's user can reach the data folder.
	insideDataDir = "postgres"

	// systemFolder holds the clusters of data folders that the server's user cannot reach.
	systemFolder = "/var/lib/dragoman"
)

// note is what a data folder knows of its cluster. It is written with mode 0600, because it holds the password.
type note struct {
	Folder   string `json:"folder"` // relative to the data folder where it lies inside it
	Password string `json:"password"`
	Made     bool   `json:"made"` // the cluster was made: if it is missing now, it is lost
}

// StartPrivate runs the data folder's own PostgreSQL from the binaries of this machine and returns once it answers. A
// server left by a killed process is adopted. While the cluster is in use, a server that dies is started again at the
// same address. Errors are single sentences that say what to do; [ErrNoBinaries] is one of them.
func StartPrivate(ctx context.Context, o Options) (*Cluster, error) {
	c, err := startPrivate(ctx, o, installed)
	if err != nil {
		return nil, fmt.Errorf("start the private database: %w", err)
	}
	return c, nil
}

func startPrivate(ctx context.Context, o Options, find func() []binaries) (*Cluster, error) {
	dataDir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dataDir, 0o755); err != nil {
		return nil, err
	}
	c := &Cluster{dataDir: dataDir, log: orDefault(o.Logger, slog.Default()), ended: make(chan struct{})}

	starting, err := waitForLock(ctx, c.startLock())
	if err != nil {
		return nil, err
	}
	defer starting.release()
	if err := c.locate(ctx, find); err != nil {
		return nil, err
	}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	if err := c.server.createDatabase(ctx, database); err != nil {
		return nil, errors.Join(err, c.leave(context.WithoutCancel(ctx)))
	}
	if c.using, err = lockFile(c.usersLock(), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, c.leave(context.WithoutCancel(ctx)))
	}
	c.log.Info("private database is running", "folder", c.server.dir, "postgres", c.bin.major, "adopted", c.adopted)

	watching, end := context.WithCancel(context.WithoutCancel(ctx))
	c.end = end
	go c.keepRunning(watching)
	return c, nil
}

// URL is the address of the cluster's database. It holds the password: never log it.
func (c *Cluster) URL() string { return c.server.url(database) }

// Adopted reports whether the server was already running.
func (c *Cluster) Adopted() bool { return c.adopted }

// Stop ends this process's use of the cluster. The last process to stop ends the server.
func (c *Cluster) Stop(ctx context.Context) (err error) {
	c.once.Do(func() {
		c.end()
		<-c.ended
		defer c.using.release()
		starting, lockErr := waitForLock(ctx, c.startLock())
		if lockErr != nil {
			err = fmt.Errorf("stop the private database: %w", lockErr)
			return
		}
		defer starting.release()
		c.using.release()
		err = c.leave(ctx)
	})
	return err
}

// leave ends the server unless someone else works with it. The caller holds the start lock.
func (c *Cluster) leave(ctx context.Context) error {
	alone, err := lockFile(c.usersLock(), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return nil // someone else does
	}
	defer alone.release()
	if err := c.server.stop(ctx); err != nil {
		return fmt.Errorf("stop the private database: %w", err)
	}
	os.Remove(c.server.sockets) // empty now; the next start makes it again
	return nil
}

func (c *Cluster) startLock() string { return filepath.Join(c.dataDir, "postgres.lock") }
func (c *Cluster) usersLock() string { return filepath.Join(c.dataDir, "postgres.users") }
func (c *Cluster) notePath() string  { return filepath.Join(c.dataDir, "postgres.json") }

// locate finds the cluster of the data folder, or decides where a new one goes and makes it.
func (c *Cluster) locate(ctx context.Context, find func() []binaries) error {
	found := find()
	n, err := c.readNote()
	if err != nil {
		return err
	}
	own, err := serverOwner()
	if err != nil {
		return err
	}
	if n == nil {
		newest, err := choose(found, 0)
		if err != nil {
			return err
		}
		folder, err := c.place(own, newest)
		if err != nil {
			return err
		}
		n = &note{Folder: folder, Password: newPassword()}
		if err := c.writeNote(n); err != nil {
			return err
		}
	}
	dir := n.Folder
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(c.dataDir, dir)
	}
	s := &server{dir: dir, owner: own, password: n.Password}
	c.server = s
	if s.sockets, err = c.socketFolder(dir); err != nil {
		return err
	}
	if c.bin, err = choose(found, s.made()); err != nil {
		return err
	}
	switch {
	case s.made() != 0:
		// As root, keep to the account that made the cluster: it may have been an ordinary user's.
		if s.owner, err = ownerOf(s.data(), own); err != nil {
			return err
		}
		return c.refuseCopy()
	case n.Made:
		return fmt.Errorf("its folder %s is gone: restore it from a backup, or delete %s to begin with an empty database", s.data(), c.notePath())
	}
	if err := s.owner.makeDir(s.dir, 0o700); err != nil {
		return fmt.Errorf("make its folder: %w", err)
	}
	if err := os.WriteFile(c.ownerPath(), []byte(c.dataDir), 0o600); err != nil {
		return err
	}
	if err := s.initialise(ctx, c.bin); err != nil {
		return err
	}
	n.Made = true
	return c.writeNote(n)
}

// place chooses the new cluster's folder: in the data folder if the server's user can work there.
func (c *Cluster) place(own *owner, b binaries) (string, error) {
	if own == nil || own.reaches(c.dataDir, b) {
		return insideDataDir, nil
	}
	base := sharedFolder(c.dataDir)
	if err := makeOwnDir(base, 0o755); err != nil {
		return "", fmt.Errorf("make a folder that user %s can reach: %w", own.name, err)
	}
	if !own.reaches(base, b) {
		return "", fmt.Errorf("user %s, which runs PostgreSQL, can reach neither %s nor %s: open one of them to it, or set DATABASE_URL", own.name, c.dataDir, base)
	}
	c.clearOrphans(base)
	return filepath.Join(base, strings.ToLower(newPassword()[:12])), nil
}

// clearOrphans ends the servers of data folders that have been deleted or emptied; their processes were killed, or the
// server would not run. What deleted ones leave in the temporary directory is deleted too. Elsewhere their files are kept:
// a data folder that is not where it was may have been moved.
func (c *Cluster) clearOrphans(base string) {
	left, err := os.ReadDir(base)
	if err != nil {
		return // there is nothing to clear, or nothing that we may
	}
	for _, entry := range left {
		old := &server{dir: filepath.Join(base, entry.Name())}
		text, err := os.ReadFile(filepath.Join(old.dir, dataFolderNote))
		if err != nil {
			continue
		}
		dataDir := string(text)
		_, err = os.Stat(dataDir)
		gone := errors.Is(err, fs.ErrNotExist)
		if !gone && (err != nil || !forgotten(dataDir, old.dir)) {
			continue
		}
		if err := old.stop(context.Background()); err != nil {
			c.log.Warn("private database of a deleted data folder does not stop", "folder", old.dir, "error", err)
			continue
		}
		if !gone || base == systemFolder {
			c.log.Warn("private database of a deleted or emptied data folder may be deleted too", "folder", old.dir, "path", dataDir)
			continue
		}
		os.RemoveAll(old.dir)
	}
}

// forgotten tells whether a data folder that is there does not know of its cluster any more. It notes where one goes before
// that one's folder is made.
func forgotten(dataDir, folder string) bool {
	n, err := (&Cluster{dataDir: dataDir}).readNote()
	return err == nil && (n == nil || n.Folder != folder)
}

// dataFolderNote is the file in a cluster's folder that names the data folder it belongs to.
const dataFolderNote = "data-folder"

func (c *Cluster) ownerPath() string { return filepath.Join(c.server.dir, dataFolderNote) }

// refuseCopy keeps two data folders, one copied from the other, from working on one cluster. A moved one is fine.
func (c *Cluster) refuseCopy() error {
	if within(c.server.dir, c.dataDir) {
		return nil // it was copied along
	}
	text, err := os.ReadFile(c.ownerPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	first := string(text)
	if first == c.dataDir {
		return nil
	}
	if theirs, err := (&Cluster{dataDir: first}).readNote(); err == nil && theirs != nil && theirs.Folder == c.server.dir && !sameFolder(first, c.dataDir) {
		return fmt.Errorf("%s is a copy of %s, whose database lies in %s and was not copied: use dragoman backup and restore", c.dataDir, first, c.server.dir)
	}
	return os.WriteFile(c.ownerPath(), []byte(c.dataDir), 0o600)
}

// run adopts the cluster's server or starts it.
func (c *Cluster) run(ctx context.Context) error {
	s := c.server
	pid, sockets, ok := s.running()
	if !ok {
		return s.start(ctx, c.bin)
	}
	s.sockets = sockets
	deadline := time.Now().Add(startWithin)
	for {
		err := s.answers(ctx)
		if err == nil {
			c.adopted = true
			return nil
		}
		if _, _, ok := s.running(); !ok { // it was on its way down
			return s.start(ctx, c.bin)
		}
		if recovering(err) {
			deadline = time.Now().Add(startWithin)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("a server (process %d) runs on %s but does not answer: %w", pid, s.data(), err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the server (process %d) that runs on %s: %w: %w", pid, s.data(), ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// keepRunning starts the server again should it die, killed for its memory for instance. Its address stays the same.
func (c *Cluster) keepRunning(ctx context.Context) {
	defer close(c.ended)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, _, ok := c.server.running(); ok {
			continue
		}
		starting, err := lockFile(c.startLock(), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			continue // another process is at it
		}
		if _, _, ok := c.server.running(); !ok {
			c.log.Error("private database died and is started again", "folder", c.server.dir)
			if err := c.server.start(ctx, c.bin); err != nil && ctx.Err() == nil {
				c.log.Error("private database does not start", "error", err)
			}
		}
		starting.release()
	}
}

func (c *Cluster) readNote() (*note, error) {
	text, err := os.ReadFile(c.notePath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n := new(note)
	if err := json.Unmarshal(text, n); err != nil {
		return nil, fmt.Errorf("read %s: %w", c.notePath(), err)
	}
	return n, nil
}

func (c *Cluster) writeNote(n *note) error {
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(c.notePath(), append(text, '\n'))
}

// replaceFile writes a private file durably and whole: after a crash it is the old one or the new one.
func replaceFile(path string, content []byte) error {
	next, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = next.Write(content)
	err = errors.Join(err, next.Sync(), next.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// createDatabase makes the database unless it is there.
func (s *server) createDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return fmt.Errorf("make its database: %w", err)
	}
	defer conn.Close(ctx)
	var there bool
	if err := conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, name).Scan(&there); err != nil {
		return fmt.Errorf("make its database: %w", err)
	}
	if there {
		return nil
	}
	if _, err := conn.Exec(ctx, `create database `+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("make its database: %w", err)
	}
	return nil
}

// sharedFolder is where clusters and sockets go that cannot lie in the data folder.
func sharedFolder(dataDir string) string {
	switch {
	case within(dataDir, os.TempDir()):
		return filepath.Join(os.TempDir(), fmt.Sprint("dragoman-", os.Geteuid()))
	case os.Geteuid() != 0:
		return filepath.Join("/tmp", fmt.Sprint("dragoman-", os.Geteuid()))
	}
	return systemFolder
}

// socketFolder is where the server's socket goes: beside its data, unless that path is too long for a socket.
func (c *Cluster) socketFolder(dir string) (string, error) {
	if sockets := filepath.Join(dir, "run"); len(sockets) <= maxSocketDir {
		return sockets, nil
	}
	base := sharedFolder(c.dataDir)
	if err := makeOwnDir(base, 0o755); err != nil {
		return "", fmt.Errorf("make a folder for its socket: %w", err)
	}
	sockets := filepath.Join(base, "socket-"+shortHash(dir))
	if len(sockets) > maxSocketDir {
		return "", fmt.Errorf("the path %s is too long for a socket: choose a shorter TMPDIR", sockets)
	}
	return sockets, nil
}

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// within reports whether path lies in dir.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// waitForLock takes the lock alone, trying until ctx ends.
func waitForLock(ctx context.Context, path string) (*fileLock, error) {
	for {
		l, err := lockFile(path, syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil || !errors.Is(err, syscall.EWOULDBLOCK) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("another process is starting or stopping the database: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
