package arrows

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// logged are the names under which values may stand in a log line. Each is a name of something that is never personal; a new one is added here by
// hand, after thought.
var logged = []string{
	"adopted", "attempt", "cause", "commit", "correlation", "command", "count", "detail", "error", "fault", "folder", "method", "model", "path", "position",
	"postgres", "reaction", "reason", "request", "revision", "route", "says", "stack", "status", "stream", "timers", "took", "topic", "trace", "type", "why",
}

// printed are the files that hand on what a library says in words of its own.
var printed = []string{"internal/eventlog/log.go", "internal/esnode/log/pebble.go"}

// TestLogLinesAreConstantSentences: a message is a constant text, its values stand under known names, and none is printed together from others or
// revealed on the spot. So whoever reads this list knows what logs can hold.
func TestLogLinesAreConstantSentences(t *testing.T) {
	t.Parallel()
	files, err := exec.Command("git", "-C", "../..", "ls-files", "--cached", "--others", "--exclude-standard", "*.go").Output()
	if err != nil {
		t.Fatalf("list files: %v", err)
	}
	lines := 0
	for _, name := range strings.Fields(string(files)) {
		if strings.HasSuffix(name, "_test.go") || name == "internal/telemetry/logs.go" { // the logger itself
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, "../../"+name, nil, 0)
		if err != nil {
			continue // deleted but not yet committed, or at this moment being written
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			at := strings.TrimPrefix(set.Position(call.Pos()).String(), "../../")
			switch kind, args := logCall(call); kind {
			case attribute:
				checkName(t, at, args[0])
				checkValues(t, name, at, args[1:])
			case message:
				lines++
				if _, constant := text(args[0]); !constant {
					t.Errorf("%s: the message is no constant text", at)
				}
				for i := 1; i < len(args); i++ {
					if _, isCall := args[i].(*ast.CallExpr); isCall || call.Ellipsis.IsValid() {
						continue // slog.String("name", …), looked at by itself
					}
					checkName(t, at, args[i])
					i++
					checkValues(t, name, at, args[min(i, len(args)-1):min(i+1, len(args))])
				}
			}
			return true
		})
	}
	if lines < 30 {
		t.Errorf("only %d log lines were found: the test does not see them any more", lines)
	}
}

// Kinds of calls.
const (
	other = iota
	message
	attribute
)

// logCall tells whether a call writes a log line or makes a value of one, and with what from the message, or name, on.
func logCall(call *ast.CallExpr) (kind int, args []ast.Expr) {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return other, nil
	}
	on := ""
	switch x := method.X.(type) {
	case *ast.Ident:
		on = x.Name
	case *ast.SelectorExpr:
		on = x.Sel.Name
	}
	if !slices.Contains([]string{"slog", "log", "Log", "logger", "Logger"}, on) {
		return other, nil
	}
	skip := map[string]int{"Debug": 0, "Info": 0, "Warn": 0, "Error": 0, "DebugContext": 1, "InfoContext": 1, "WarnContext": 1, "ErrorContext": 1, "Log": 2, "LogAttrs": 2}
	if from, writes := skip[method.Sel.Name]; writes && len(call.Args) > from {
		return message, call.Args[from:]
	}
	if on == "slog" && slices.Contains([]string{"String", "Int", "Int64", "Uint64", "Float64", "Bool", "Duration", "Time", "Any", "Group"}, method.Sel.Name) {
		return attribute, call.Args
	}
	return other, nil
}

func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

func checkName(t *testing.T, at string, e ast.Expr) {
	t.Helper()
	if key, constant := text(e); !constant || !slices.Contains(logged, key) {
		t.Errorf("%s: a value stands under a name that is not in the list of this test: %q", at, key)
	}
}

// checkValues finds calls that would put more than a value of its own into a line.
func checkValues(t *testing.T, file, at string, values []ast.Expr) {
	t.Helper()
	for _, v := range values {
		ast.Inspect(v, func(n ast.Node) bool {
			called, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			name := called.Sel.Name
			if name == "Reveal" || name == "Body" || name == "RawBody" || name == "RawQuery" || name == "SQL" || name == "Args" ||
				(strings.HasPrefix(name, "Sprint") || name == "Marshal") && !slices.Contains(printed, file) {
				t.Errorf("%s: a value is made with %s", at, name)
			}
			return true
		})
	}
}
