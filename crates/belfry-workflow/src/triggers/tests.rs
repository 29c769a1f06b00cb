mod patches;
mod preview;
mod service;
mod shape;
