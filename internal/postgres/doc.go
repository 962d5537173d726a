// Package postgres gives Dragoman its database: the pool, the migrations of schema kept, the private cluster that runs
// when no DATABASE_URL is set, and databases for tests.
//
// # The private cluster
//
// PostgreSQL refuses to run as root and must reach its own folder, so a cluster cannot always live inside the data
// folder. The data folder therefore holds a note, postgres.json, that says where the cluster lies and with which password
// it is opened; whoever deletes the data folder deletes the note, and the next start makes a new cluster instead of
// meeting rows of a log that is gone.
//
// The server is a process of its own session, so Ctrl-C reaches Dragoman first, and a killed Dragoman leaves it running:
// the next start finds it by its pid file, checks that it is the right one, and adopts it. Several processes may share a
// data folder's cluster. Each holds a shared lock on a file for as long as it uses the cluster; whoever stops asks for
// that lock alone, so only the last one out ends the server, and the kernel drops a killed process's lock.
//
// # Test databases
//
// All test processes of a user share one throw-away cluster; see [TestDB].
package postgres
