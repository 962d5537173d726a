// Package people decides about the agency itself, the customers that book with clients, locations and users, the interpreters, and the
// numbers that bookings and invoices draw.
//
// A decider is a plain struct, the wish, with a method Decide over what has happened: it answers with the events to append, none if there is
// nothing to do, or with a refusal that lists every faulty input at once by its location in the request's body. Whether the asker may ask is
// decided before, in domain/access. Ids and personal-data keys arrive in the wish.
//
// States hold maps. Evolve changes the maps of the state it is given and returns it: whoever keeps a state for later folds a Clone.
package people
