//! Builds components from a build script.
