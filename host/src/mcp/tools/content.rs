//! Content blocks on the wire, and what older revisions get instead of the
//! kinds they do not know.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use std::io::Write as _;

use crate::mcp::jsonrpc::write_string;
use crate::mcp::version::Revision;
use crate::tools::{Blob, Content};

/// Appends one content block.
pub(crate) fn write(buffer: &mut Vec<u8>, content: &Content, revision: Revision) {
    match content {
        Content::Text(text) => write_text(buffer, text),
        Content::Image(blob) => write_blob(buffer, "image", blob),
        Content::Audio(blob) if revision.has_annotations() => write_blob(buffer, "audio", blob),
        Content::Audio(blob) => {
            write_text(
                buffer,
                &format!("[{} bytes of {}]", blob.data.len(), blob.mime_type),
            );
        }
        Content::Link {
            uri,
            name,
            mime_type,
        } if revision.has_structured_content() => {
            buffer.extend_from_slice(br#"{"type":"resource_link","uri":"#);
            write_string(buffer, uri);
            buffer.extend_from_slice(br#","name":"#);
            write_string(buffer, name);
            if let Some(mime_type) = mime_type {
                buffer.extend_from_slice(br#","mimeType":"#);
                write_string(buffer, mime_type);
            }
            buffer.push(b'}');
        }
        Content::Link { uri, name, .. } => write_text(buffer, &format!("{name}: {uri}")),
        Content::Raw(block) => buffer.extend_from_slice(block.get().as_bytes()),
    }
}

fn write_text(buffer: &mut Vec<u8>, text: &str) {
    buffer.extend_from_slice(br#"{"type":"text","text":"#);
    write_string(buffer, text);
    buffer.push(b'}');
}

fn write_blob(buffer: &mut Vec<u8>, kind: &str, blob: &Blob) {
    buffer.extend_from_slice(br#"{"type":""#);
    buffer.extend_from_slice(kind.as_bytes());
    buffer.extend_from_slice(br#"","mimeType":"#);
    write_string(buffer, &blob.mime_type);
    buffer.extend_from_slice(br#","data":"#);
    write_base64(buffer, &blob.data);
    buffer.push(b'}');
}

/// Appends bytes as a JSON string.
pub(crate) fn write_base64(buffer: &mut Vec<u8>, bytes: &[u8]) {
    // Writing to memory does not fail.
    let _ = write!(buffer, "\"{}\"", Base64Display::new(bytes, &STANDARD));
}
