package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Config is everything that can be set, by flag or environment. `dragoman --help` prints it; docs/operations.md explains it.
type Config struct {
	Listen        string `help:"Address to serve on; port 0 picks a free one. Not set: 127.0.0.1:8080, for the event log alone 127.0.0.1:2113." env:"LISTEN" placeholder:"HOST:PORT"`
	Data          string `help:"Data folder: the embedded log, keys, files, run.json." default:"data" env:"DATA_DIR" placeholder:"DIR"`
	EventStoreURL string `name:"eventstore-url" help:"EventStoreDB connection string (esdb://…). Not set: the embedded node under the data folder." env:"EVENTSTORE_URL" placeholder:"URL"`
	DatabaseURL   string `help:"PostgreSQL 14+ connection string. Not set: a private cluster from this machine's own PostgreSQL." env:"DATABASE_URL" placeholder:"URL"`
	MasterKeyFile string `help:"File with the 32-byte key that wraps the personal-data keys, mode 0600, the same for all processes. Not set: master.key in the data folder." env:"MASTER_KEY_FILE" placeholder:"FILE"`
	ErasureList   string `name:"erasure-list-file" help:"File that notes the ids of destroyed personal-data keys, for restores. Keep it apart from data folder, database and backups. Not set: the data folder's name with .erasures." env:"ERASURE_LIST_FILE" placeholder:"FILE"`
	MinFreeDisk   string `help:"Free space below which the embedded node takes no more appends." default:"512MB" env:"MIN_FREE_DISK"`
	Dev           bool   `help:"Answer PUT and DELETE /dev/clock, on a loopback address only."`
	OTLPEndpoint  string `name:"otlp-endpoint" help:"Base URL of an OpenTelemetry collector that takes traces by OTLP over HTTP, such as http://127.0.0.1:4318. Not set: no traces." env:"OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL"`
	LogLevel      string `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"LOG_LEVEL"`
	LogFormat     string `help:"text or json." default:"text" enum:"text,json" env:"LOG_FORMAT"`
}

// Where is listened if nothing is said.
const (
	portalAddress = "127.0.0.1:8080"
	nodeAddress   = "127.0.0.1:2113"
)

// address is where to listen: what was said, or otherwise the subcommand's own.
func (c *Config) address(otherwise string) string { return cmp.Or(c.Listen, otherwise) }

// Validate names every fault at once.
func (c Config) Validate() error {
	var faults []error
	host, port, err := net.SplitHostPort(c.address(portalAddress))
	if err != nil {
		faults = append(faults, fmt.Errorf("--listen %q is not host:port", c.Listen))
	} else if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		faults = append(faults, fmt.Errorf("--listen %q has no port between 0 and 65535", c.Listen))
	}
	if c.Dev && !loopback(host) {
		faults = append(faults, fmt.Errorf("--dev moves the business clock, so --listen must be a loopback address, not %q", host))
	}
	if c.EventStoreURL != "" && !strings.HasPrefix(c.EventStoreURL, "esdb://") && !strings.HasPrefix(c.EventStoreURL, "esdb+discover://") {
		faults = append(faults, errors.New("EVENTSTORE_URL must begin with esdb:// or esdb+discover://"))
	}
	if c.DatabaseURL != "" {
		if u, err := url.Parse(c.DatabaseURL); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
			faults = append(faults, errors.New("DATABASE_URL must begin with postgres:// or postgresql://"))
		}
	}
	if c.OTLPEndpoint != "" {
		if u, err := url.Parse(c.OTLPEndpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			faults = append(faults, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT must begin with http:// or https:// and name a host"))
		}
	}
	if _, err := bytesOf(c.MinFreeDisk); err != nil {
		faults = append(faults, fmt.Errorf("MIN_FREE_DISK %q: %w", c.MinFreeDisk, err))
	}
	if c.Data == "" {
		faults = append(faults, errors.New("--data is empty"))
	} else if info, err := os.Stat(c.Data); err == nil && !info.IsDir() {
		faults = append(faults, fmt.Errorf("--data %q is a file, not a folder", c.Data))
	}
	if c.MasterKeyFile != "" {
		if info, err := os.Stat(c.MasterKeyFile); err == nil && info.IsDir() {
			faults = append(faults, fmt.Errorf("MASTER_KEY_FILE %q is a folder", c.MasterKeyFile))
		}
	}
	if c.ErasureList != "" {
		if info, err := os.Stat(c.ErasureList); err == nil && info.IsDir() {
			faults = append(faults, fmt.Errorf("ERASURE_LIST_FILE %q is a folder", c.ErasureList))
		}
	}
	return errors.Join(faults...)
}

// masterKeyFile is where the wrapping key lies.
func (c Config) masterKeyFile() string {
	if c.MasterKeyFile != "" {
		return c.MasterKeyFile
	}
	return filepath.Join(c.Data, "master.key")
}

// erasureListFile is where destroyed keys are noted: beside the data folder, not in it, so that it outlives the folder's loss.
func (c Config) erasureListFile() (string, error) {
	path, err := filepath.Abs(cmp.Or(c.ErasureList, c.Data))
	if err != nil {
		return "", fmt.Errorf("find the erasure list: %w", err)
	}
	if c.ErasureList == "" {
		path += ".erasures"
	}
	return path, nil
}

func (c Config) minFreeDisk() uint64 {
	n, _ := bytesOf(c.MinFreeDisk) // checked by Validate
	return n
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// bytesOf reads a size such as 512MB, 2GB or 1048576.
func bytesOf(s string) (uint64, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	unit := uint64(1)
	for _, u := range []struct {
		suffix string
		factor uint64
	}{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", 1 << 40}, {"B", 1}} {
		if strings.HasSuffix(s, u.suffix) {
			s, unit = strings.TrimSpace(strings.TrimSuffix(s, u.suffix)), u.factor
			break
		}
	}
	n, err := strconv.ParseUint(s, 10, 40)
	if err != nil {
		return 0, errors.New("not a size such as 512MB")
	}
	return n * unit, nil
}
