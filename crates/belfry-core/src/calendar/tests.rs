pub mod composing;
mod dates;
mod exclusions;
mod importing;
mod reading;
