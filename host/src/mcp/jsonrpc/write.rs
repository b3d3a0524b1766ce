//! Messages to bytes: a reply is written once, front to back, into the buffer
//! that goes to the socket.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::mcp::error::RpcError;

/// A response that is being written; its result is an open object.
pub(crate) struct Reply {
    buffer: Vec<u8>,
    empty: bool,
}

impl Reply {
    /// Opens the result of request `id`, which will take about `size` bytes.
    pub(crate) fn to(id: &RawValue, size: usize) -> Self {
        let mut buffer = Vec::with_capacity(ENVELOPE_BYTES + id.get().len() + size);
        buffer.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
        buffer.extend_from_slice(id.get().as_bytes());
        buffer.extend_from_slice(b",\"result\":{");
        Self {
            buffer,
            empty: true,
        }
    }

    /// Adds a member whose value is JSON already.
    pub(crate) fn raw(&mut self, name: &'static str, json: &str) {
        self.name(name).extend_from_slice(json.as_bytes());
    }

    /// Adds a member whose value is a string.
    pub(crate) fn string(&mut self, name: &'static str, text: &str) {
        write_string(self.name(name), text);
    }

    /// Starts a member; its value is for the caller to write.
    pub(crate) fn name(&mut self, name: &'static str) -> &mut Vec<u8> {
        if !self.empty {
            self.buffer.push(b',');
        }
        self.empty = false;
        self.buffer.push(b'"');
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.extend_from_slice(b"\":");
        &mut self.buffer
    }

    /// Closes result and message.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.buffer.extend_from_slice(b"}}");
        self.buffer
    }
}

/// An error response; `id` is null only where none could be read.
pub(crate) fn error(id: Option<&RawValue>, error: &RpcError) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(ENVELOPE_BYTES + error.message.len());
    buffer.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    buffer.extend_from_slice(id.map_or("null", RawValue::get).as_bytes());
    buffer.extend_from_slice(b",\"error\":");
    encode(&mut buffer, error);
    buffer.push(b'}');
    buffer
}

/// Appends a JSON string.
pub(crate) fn write_string(buffer: &mut Vec<u8>, text: &str) {
    encode(buffer, text);
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut buffer = Vec::with_capacity(text.len() + 2);
    write_string(&mut buffer, text);
    String::from_utf8_lossy(&buffer).into_owned()
}

/// Appends a value of this crate's own types: strings, numbers, flags and
/// structs of those, none of which has a way to fail, into memory.
pub(crate) fn encode<T: Serialize + ?Sized>(buffer: &mut Vec<u8>, value: &T) {
    let start = buffer.len();
    if let Err(error) = serde_json::to_writer(&mut *buffer, value) {
        tracing::error!(%error, "a reply could not be encoded");
        buffer.truncate(start);
        buffer.extend_from_slice(b"null");
    }
}

const ENVELOPE_BYTES: usize = 192;
