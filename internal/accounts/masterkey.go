package accounts

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Wrapper wraps keys with the master key, which it never shows. A key management service may stand behind it. Purpose is
// bound into the wrapping: what was wrapped for one purpose does not open for another.
type Wrapper interface {
	Wrap(ctx context.Context, key, purpose []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, purpose []byte) ([]byte, error)
}

// ErrWrongMasterKey: the master key does not open what lies in the database.
var ErrWrongMasterKey = errors.New("the master key does not open this database")

const keySize = 32 // AES-256

// fileWrapper is a master key that was read from a file: AES-256-GCM with a random nonce before each ciphertext.
type fileWrapper struct{ aead cipher.AEAD }

func newFileWrapper(master []byte) (Wrapper, error) {
	block, err := aes.NewCipher(master)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return fileWrapper{aead}, nil
}

func (w fileWrapper) Wrap(_ context.Context, key, purpose []byte) ([]byte, error) {
	return w.aead.Seal(nil, nil, key, purpose), nil
}

func (w fileWrapper) Unwrap(_ context.Context, wrapped, purpose []byte) ([]byte, error) {
	return w.aead.Open(nil, nil, wrapped, purpose)
}

// OpenMasterKey reads the master key from its file of 32 bytes and checks that it opens the database's keys. A missing file
// is made, mode 0600, as long as the database holds no keys yet; later it is a loss that a new key would only hide, so it
// is refused, as is another key's file (ErrWrongMasterKey) and one that others can read.
func OpenMasterKey(ctx context.Context, db *pgxpool.Pool, path string) (Wrapper, error) {
	// Whether keys are in use is asked before the file is looked for: a process that starts with us makes the file first.
	inUse, err := hasKeys(ctx, db)
	if err != nil {
		return nil, err
	}
	master, err := readMasterKey(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && inUse:
		return nil, fmt.Errorf("the master key file %s is missing, and this database's personal values open with no other: put it back, or name it with MASTER_KEY_FILE", path)
	case errors.Is(err, fs.ErrNotExist):
		if err := makeMasterKey(path); err != nil {
			return nil, fmt.Errorf("make the master key file %s: %w", path, err)
		}
		if master, err = readMasterKey(path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	}
	w, err := newFileWrapper(master)
	if err != nil {
		return nil, fmt.Errorf("use the master key: %w", err)
	}
	if err := CheckMasterKey(ctx, db, w); err != nil {
		return nil, fmt.Errorf("master key file %s: %w", path, err)
	}
	return w, nil
}

func readMasterKey(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the master key: %w", err)
	case info.Size() != keySize:
		return nil, fmt.Errorf("master key file %s holds %d bytes, not %d", path, info.Size(), keySize)
	case info.Mode().Perm()&0o027 != 0: // a group may read it: that is how secrets are mounted into containers
		return nil, fmt.Errorf("master key file %s is open to others (mode %04o): chmod 600 it", path, info.Mode().Perm())
	}
	master := make([]byte, keySize)
	if _, err := io.ReadFull(file, master); err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	return master, nil
}

// makeMasterKey writes a new key durably and whole, and gives way to another process that was faster.
func makeMasterKey(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	growing, err := os.CreateTemp(dir, ".master-key-*") // 0600 from the start
	if err != nil {
		return err
	}
	defer os.Remove(growing.Name())
	_, err = growing.Write(newKey())
	if err := errors.Join(err, growing.Sync(), growing.Close()); err != nil {
		return err
	}
	if err := os.Link(growing.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func newKey() []byte {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails: it ends the program instead
	return key
}

// What the wrapped values are for.
var (
	checkPurpose = []byte("dragoman master key check")
	hashPurpose  = []byte("dragoman request hashes")
)

// checkText is known, so opening it proves the master key.
const checkText = "this master key opens this database"

// CheckMasterKey proves that the wrapper opens the database's keys, and ties an empty database to it. ErrWrongMasterKey.
func CheckMasterKey(ctx context.Context, db *pgxpool.Pool, w Wrapper) error {
	wrapped, err := w.Wrap(ctx, []byte(checkText), checkPurpose)
	if err != nil {
		return fmt.Errorf("wrap with the master key: %w", err)
	}
	if _, err := db.Exec(ctx, `insert into kept.master_key_check (wrapped) values ($1) on conflict do nothing`, wrapped); err != nil {
		return fmt.Errorf("note the master key: %w", err)
	}
	if err := db.QueryRow(ctx, `select wrapped from kept.master_key_check`).Scan(&wrapped); err != nil {
		return fmt.Errorf("read the master key's check: %w", err)
	}
	text, err := w.Unwrap(ctx, wrapped, checkPurpose)
	if err != nil || string(text) != checkText {
		return ErrWrongMasterKey
	}
	return nil
}

func hasKeys(ctx context.Context, db *pgxpool.Pool) (bool, error) {
	var any bool
	err := db.QueryRow(ctx, `
		select exists (select from kept.master_key_check) or exists (select from kept.personal_keys where wrapped is not null)
			or exists (select from kept.request_hash_key)`).Scan(&any)
	if err != nil {
		return false, fmt.Errorf("look for keys: %w", err)
	}
	return any, nil
}

// MasterKeyCheck is the wrapped text that proves a master key, as the database holds it; nil before the first start. It opens nothing.
func (a *Accounts) MasterKeyCheck(ctx context.Context) (wrapped []byte, err error) {
	err = a.db.QueryRow(ctx, `select wrapped from kept.master_key_check`).Scan(&wrapped)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("read the master key's check: %w", err)
	}
	return wrapped, nil
}

// CheckMasterKeyFile proves that the master key in a file opens a check of MasterKeyCheck, without a database. ErrWrongMasterKey; fs.ErrNotExist.
func CheckMasterKeyFile(ctx context.Context, path string, wrapped []byte) error {
	master, err := readMasterKey(path)
	if err != nil {
		return err
	}
	w, err := newFileWrapper(master)
	if err != nil {
		return fmt.Errorf("use the master key: %w", err)
	}
	if text, err := w.Unwrap(ctx, wrapped, checkPurpose); err != nil || string(text) != checkText {
		return fmt.Errorf("master key file %s: %w", path, ErrWrongMasterKey)
	}
	return nil
}
