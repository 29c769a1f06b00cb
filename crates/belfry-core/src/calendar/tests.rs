pub mod composing;
mod dates;
mod exclusions;
mod importing;
mod pinned;
mod reading;
