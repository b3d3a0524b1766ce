//! A tool set that misbehaves.
