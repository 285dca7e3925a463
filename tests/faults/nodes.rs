//! F15 to F18 and F20: PostgreSQL or the network between several servers breaks.

mod asleep;
mod book;
mod cut_off;
mod failover;
mod held_up;
mod network;
mod node;
mod restarts;
mod rolling;
mod server;
mod shared;
mod switch;
mod wake;
