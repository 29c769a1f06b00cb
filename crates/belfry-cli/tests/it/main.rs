//! The whole program, and the rules that hold for the whole tree.

mod borders;
mod server;
mod tidy;
mod up;
