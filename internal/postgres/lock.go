package postgres

import (
	"fmt"
	"os"
	"syscall"
)

// fileLock is an advisory lock on a file. The kernel drops it when its process ends, however it ends.
type fileLock struct{ file *os.File }

// lockFile takes the lock: how is LOCK_SH or LOCK_EX, with LOCK_NB to fail instead of waiting.
func lockFile(path string, how int) (*fileLock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), how)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &fileLock{file}, nil
}

func (l *fileLock) release() { l.file.Close() }
