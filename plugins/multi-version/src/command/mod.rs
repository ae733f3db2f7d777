//! What of a command line is the plugin's: reading it, and which command does it.

pub mod options;
