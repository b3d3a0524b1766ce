//! What the nested cargo inherits. The outer one describes its own build in
//! the environment (flags for the host, clippy as a wrapper, the package being
//! built), and none of it holds for a component.

use std::process::Command;

/// Takes the outer build's description out of `command`'s environment.
pub(crate) fn clear(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(describes_the_outer_build) {
            command.env_remove(name);
        }
    }
}

fn describes_the_outer_build(name: &str) -> bool {
    if let Some(setting) = name.strip_prefix("CARGO_") {
        return !KEPT.iter().any(|kept| setting.starts_with(kept));
    }
    DROPPED.contains(&name) || name.starts_with("__CARGO") || name.starts_with("CLIPPY_")
}

/// Of `CARGO_…`: where packages come from, how to speak, and the job server,
/// which keeps both cargos together within `-j`.
const KEPT: [&str; 8] = [
    "HOME",
    "HTTP_",
    "MAKEFLAGS",
    "NET_",
    "REGISTRIES_",
    "REGISTRY_",
    "SOURCE_",
    "TERM_",
];

const DROPPED: [&str; 13] = [
    "DEBUG",
    "HOST",
    "NUM_JOBS",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "TARGET",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_wrappers_of_the_outer_build_go() {
        for name in [
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_FEATURE_DEMO",
            "CARGO_PRIMARY_PACKAGE",
            "CLIPPY_ARGS",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
        ] {
            assert!(describes_the_outer_build(name), "{name}");
        }
    }

    #[test]
    fn toolchain_registry_and_job_server_stay() {
        for name in [
            "CARGO_HOME",
            "CARGO_MAKEFLAGS",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_MIRROR_INDEX",
            "HOME",
            "PATH",
            "RUSTC",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
        ] {
            assert!(!describes_the_outer_build(name), "{name}");
        }
    }
}
