//! Guest library: a tool set is a struct.
