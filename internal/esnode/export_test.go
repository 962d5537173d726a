package esnode

// OpenReads counts the reads and subscriptions that are open, and the iterators over the storage's tables.
func (n *Node) OpenReads() (readers int, iterators int64) {
	return n.server.Readers(), n.log.TableIterators()
}
