// Package web is the portals: pages rendered on the server, each of which works without script, on one frame for every role. It stands on
// commands and projections as the API does, and knows nothing of the API. A page is a file of its own and a template of the same name.
package web
