package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// owner is the account that the server runs under: nil means our own.
type owner struct {
	name     string
	uid, gid int
}

// serverOwner is our own account, except for root: PostgreSQL refuses to run as root, so it runs as postgres, or nobody
// where there is no such user.
func serverOwner() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			continue
		}
		gid, err := strconv.Atoi(u.Gid)
		if err != nil {
			continue
		}
		return &owner{name: name, uid: uid, gid: gid}, nil
	}
	return nil, fmt.Errorf("PostgreSQL refuses to run as root and this machine has neither a user postgres nor nobody: make one, or set DATABASE_URL")
}

// command prepares program to run as the owner, in dir, away from our terminal and process group, and with an
// environment that no PG… variable of ours can bend.
func (o *owner) command(dir, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + dir, "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if o != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
	}
	return cmd
}

// caught says whether a program that we started was ended by the Ctrl-C that ends us too: it is in our process group until it runs. It
// gives that signal a moment to reach ctx.
func caught(ctx context.Context, err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGINT && status.Signal() != syscall.SIGTERM {
		return false
	}
	select {
	case <-ctx.Done():
		return true
	case <-time.After(time.Second):
		return false
	}
}

// makeDir makes dir with mode, belonging to the owner. Its parents are made, open to all, if missing.
func (o *owner) makeDir(dir string, mode os.FileMode) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if o != nil {
		if err := os.Chown(dir, o.uid, o.gid); err != nil {
			return err
		}
	}
	return os.Chmod(dir, mode)
}

// makeOwnDir makes a folder that only we write to, at a path others can foresee: what they put there first is refused.
func makeOwnDir(dir string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s is not a folder of ours: remove it", dir)
	}
	return os.Chmod(dir, mode) // whatever the umask was, and whoever was let in before
}

// reaches reports whether the owner can work in dir, by having a program of the server run there.
func (o *owner) reaches(dir string, b binaries) bool {
	return o.command(dir, b.postgres(), "--version").Run() == nil
}

// ownerOf is the account that path belongs to, where we are root and could become it; otherwise own.
func ownerOf(path string, own *owner) (*owner, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if own == nil || !ok || stat.Uid == 0 {
		return own, nil
	}
	return &owner{name: fmt.Sprint("#", stat.Uid), uid: int(stat.Uid), gid: int(stat.Gid)}, nil
}
