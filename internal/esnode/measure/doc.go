// Package measure holds what cmd/bench measures the node with: folders of any size, the appends that are made to them, clients, and what the node
// is compared with. docs/performance.md says what comes of it.
package measure
