//! F15 to F18 and F20: PostgreSQL or the network between several servers breaks.
