//! The tool sets as compiled components.
