package dashboard

// Statement is the tiles' statement, for looking at its plan.
var Statement = statement
