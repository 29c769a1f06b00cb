//! The API through its router, no socket, over the reference store.

mod access;
mod inputs;
mod keys;
mod lists;
mod runs;
mod schedules;
mod shape;
mod workflows;
mod world;
