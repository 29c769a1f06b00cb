mod kinds;
mod patches;
mod preview;
mod rules;
mod service;
mod shape;
mod touched;
