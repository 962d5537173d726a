// Package esnode is an EventStoreDB-compatible node that runs inside the process: one leader, no cluster, for the official clients on a
// loopback port. It answers as a real 23.10 server does; README.md says what it speaks, what it does not, and how it keeps data.
//
// log/ keeps the streams, wire/ speaks the protocol, this package puts both together and runs them.
package esnode
