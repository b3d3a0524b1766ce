//! Files as they are, or as an accident leaves them.

/// The tool set that misbehaves.
pub(super) fn hostile() -> Vec<u8> {
    plugin_bundle::HOSTILE.wasm.to_vec()
}

/// The same, with the means to write.
pub(super) fn hostile_write() -> Vec<u8> {
    plugin_bundle::HOSTILE_WRITE.wasm.to_vec()
}

/// What an interrupted copy leaves.
pub(super) fn truncated() -> Vec<u8> {
    let mut wasm = hostile();
    wasm.truncate(wasm.len() / 2);
    wasm
}

/// Not WebAssembly at all.
pub(super) fn noise() -> Vec<u8> {
    b"MZ this is another kind of file".repeat(1_000)
}
