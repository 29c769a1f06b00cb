//! The processes of a deployment on PostgreSQL: `belfry api`, `belfry daemon` and `belfry worker`, and what they share with
//! `belfry up`: how a process starts, tells of itself, and ends.

pub mod api;
pub mod daemon;
pub mod database;
pub mod health;
pub mod listening;
pub mod process;
pub mod worker;
