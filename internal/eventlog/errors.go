package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var (
	// ErrClosed: the log was closed by its owner.
	ErrClosed = errors.New("the event log is closed")
	// ErrLogReplaced: the event at a stored position is not the one that was there, so the log was replaced or cut.
	ErrLogReplaced = errors.New("the log is not the one that was read before")

	// ErrNotAdmitted: the event store does not know the credentials of the connection string, or there are none and it wants some.
	ErrNotAdmitted = errors.New("not admitted")

	// errGivenUp ends the calls of a session whose connection is lost.
	errGivenUp = errors.New("the connection was given up")
	// errNoNode ends a call's wait for a session.
	errNoNode = errors.New("no node of the event store is found")
	// errCut: the log does not show the event that was read last.
	errCut = errors.New("the event read last is not found in the log")
	// errStalled ends a read that gets no answer.
	errStalled = errors.New("the event store does not answer")
)

// codeOf is the client's own word for an error; esdb.FromError would miss wrapped ones.
func codeOf(err error) esdb.ErrorCode {
	var e *esdb.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return esdb.ErrorCodeUnknown
}

// noSuchStream tells whether a read found no stream. The client gives the same code to the server's NotFound, which means something else: that
// it is not the leader.
func noSuchStream(err error) bool {
	return codeOf(err) == esdb.ErrorCodeResourceNotFound && status.Code(err) != codes.NotFound
}

// lost tells whether an error means that the session's connection, or its member of the cluster, is no good any more.
func lost(err error) bool {
	switch codeOf(err) {
	case esdb.ErrorUnavailable, esdb.ErrorCodeConnectionClosed, esdb.ErrorCodeNotLeader:
		return true
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.NotFound, codes.Internal: // not the leader; a stream reset by a node that stops
		return true
	}
	return false
}

// silent tells whether a call got no answer in its time. Each client has a connection of its own: others may be answered while this one is not.
func silent(err error) bool {
	return errors.Is(err, errStalled) || errors.Is(err, context.DeadlineExceeded) || codeOf(err) == esdb.ErrorCodeDeadlineExceeded ||
		status.Code(err) == codes.DeadlineExceeded
}

// passing tells whether the same call may succeed when it is sent again. It may also have been carried out already.
func passing(err error) bool {
	if lost(err) {
		return true
	}
	switch codeOf(err) {
	case esdb.ErrorAborted, esdb.ErrorCodeDeadlineExceeded:
		return true
	}
	switch status.Code(err) {
	case codes.Aborted, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted:
		return true
	}
	for _, known := range []error{errNoNode, errOtherLeader, errGivenUp, errStalled, errCut, context.DeadlineExceeded, context.Canceled, io.EOF} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// admitted marks an error that says who we are not.
func admitted(err error) error {
	switch codeOf(err) {
	case esdb.ErrorCodeUnauthenticated, esdb.ErrorCodeAccessDenied:
		return fmt.Errorf("%w: %w", ErrNotAdmitted, err)
	}
	switch status.Code(err) {
	case codes.Unauthenticated, codes.PermissionDenied:
		return fmt.Errorf("%w: %w", ErrNotAdmitted, err)
	}
	return err
}

// noRecordThere tells whether the server refuses a position because no record begins there: the log was replaced or cut.
func noRecordThere(err error) bool {
	return status.Code(err) == codes.Unknown && strings.Contains(err.Error(), "ReadAllResult")
}
