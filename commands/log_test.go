package commands_test

import (
	"testing"

	"github.com/dragoman-booking/dragoman/commands"
)

func newLog(t *testing.T) commands.Log { return newMemLog() }
