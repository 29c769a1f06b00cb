//! The whole program, and the rules that hold for the whole tree.

mod borders;
mod readme;
mod server;
mod tidy;
mod up;
