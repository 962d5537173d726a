package wire

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"unicode"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dragoman-booking/dragoman/internal/esnode/log"
)

// Names of trailers and of exceptions: clients tell errors apart by the trailer "exception".
const (
	keyException  = "exception"
	keyStream     = "stream-name"
	keyExpected   = "expected-version"
	keyActual     = "actual-version"
	keyMaxAppend  = "maximum-append-size"
	keyProperties = "required-metadata-properties"

	exceptionDeleted  = "stream-deleted"
	exceptionWrong    = "wrong-expected-version"
	exceptionTooBig   = "maximum-append-size-exceeded"
	exceptionRequired = "missing-required-metadata-property"
	exceptionMoved    = "log-moved" // ours alone
)

// failure is a gRPC status with trailers.
type failure struct {
	status   *status.Status
	trailers metadata.MD
}

func (f *failure) Error() string              { return f.status.Message() }
func (f *failure) GRPCStatus() *status.Status { return f.status }

func fail(code codes.Code, text string, trailers ...string) *failure {
	for i := range trailers {
		trailers[i] = headerText(trailers[i])
	}
	return &failure{status.New(code, text), metadata.Pairs(trailers...)}
}

// headerText replaces what a header may not hold: a stream may be named with any character, and a bad header ends the connection.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s)
}

func invalid(text string) error { return fail(codes.InvalidArgument, text) }

var errStopping = fail(codes.Unavailable, "Server Is Not Ready")

// answer turns an error of the log into what the client is told.
func (s *Server) answer(err error) error {
	if err == nil {
		return nil
	}
	var known *failure
	var deleted *log.DeletedError
	var wrong *log.WrongRevisionError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &deleted):
		return fail(codes.FailedPrecondition, deleted.Error(), keyException, exceptionDeleted, keyStream, deleted.Stream)
	case errors.As(err, &wrong):
		expected, actual := strconv.FormatInt(int64(wrong.Expected), 10), strconv.FormatInt(wrong.Current, 10)
		return fail(codes.FailedPrecondition, "Delete failed due to WrongExpectedVersion. Stream: "+wrong.Stream+
			", Expected version: "+expected+", Actual version: "+actual,
			keyException, exceptionWrong, keyStream, wrong.Stream, keyExpected, expected, keyActual, actual)
	case errors.Is(err, log.ErrFilter):
		return fail(codes.InvalidArgument, err.Error())
	case errors.Is(err, log.ErrMoved):
		return fail(codes.FailedPrecondition, err.Error(), keyException, exceptionMoved)
	case errors.Is(err, log.ErrDiskFull):
		return fail(codes.ResourceExhausted, err.Error())
	case errors.Is(err, log.ErrClosed), s.log.Failure() != nil:
		return errStopping
	case errors.Is(err, log.ErrDamaged):
		s.opts.Logger.Error("event store met damage", "error", err)
		return fail(codes.DataLoss, err.Error())
	case errors.Is(err, context.Canceled):
		return fail(codes.Canceled, err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return fail(codes.DeadlineExceeded, err.Error())
	}
	if st, ok := status.FromError(err); ok {
		return fail(st.Code(), st.Message())
	}
	s.opts.Logger.Error("event store call failed", "error", err)
	return fail(codes.Internal, err.Error())
}

// trailersOf are the trailers that go with an error.
func trailersOf(err error) metadata.MD {
	var f *failure
	if errors.As(err, &f) {
		return f.trailers
	}
	return nil
}
