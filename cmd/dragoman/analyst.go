package main

import (
	"errors"
	"fmt"

	"github.com/dragoman-booking/dragoman/projections/analysts"
)

type analystCmd struct {
	Login  analystLoginCmd  `cmd:"" help:"Make the analysts' database role, or give it a new password, and print its connection string; it is shown this once."`
	Remove analystRemoveCmd `cmd:"" help:"Take the analysts' database role away."`
}

// withDatabase opens the database alone and closes it after f.
func withDatabase(s *stage, c *Config, f func(h *house) error) (err error) {
	h := &house{log: s.log, config: c}
	defer func() { err = errors.Join(err, h.close()) }()
	if err := h.openDatabase(s.ctx, c); err != nil {
		return err
	}
	return f(h)
}

type analystLoginCmd struct{}

// Run makes the role and says how to connect. A server may run meanwhile.
func (analystLoginCmd) Run(s *stage, c *Config) error {
	return withDatabase(s, c, func(h *house) error {
		login, err := analysts.MakeLogin(s.ctx, h.pool)
		if err != nil {
			return err
		}
		address, local, err := login.URL(h.databaseURL)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s reads the views of schema %s, and nothing else:\n  psql '%s'\n", login.Role, analysts.Schema, address)
		if login.Password == "" {
			fmt.Fprintln(s.out, "its password is the one that your database's administrator gave it")
		}
		if local {
			fmt.Fprintln(s.out, "this machine's private database has a socket only: root and the account that runs it reach it, and only while Dragoman runs")
		}
		return nil
	})
}

type analystRemoveCmd struct{}

// Run takes the role away.
func (analystRemoveCmd) Run(s *stage, c *Config) error {
	return withDatabase(s, c, func(h *house) error {
		role, was, err := analysts.RemoveLogin(s.ctx, h.pool)
		if err != nil {
			return err
		}
		if !was {
			return fmt.Errorf("there is no role %s", role)
		}
		fmt.Fprintf(s.out, "role %s is removed\n", role)
		return nil
	})
}
