//! JSON-RPC 2.0 as MCP uses it: one pass over the body finds the members that
//! any method needs; everything else stays raw and borrowed.

mod params;
mod read;
mod write;

pub(crate) use params::Params;
pub(crate) use read::{
    Body, Invalid, Message, Notification, OneWay, Request, Response, elements, is_id, message,
    present, string,
};
pub(crate) use write::{Reply, encode, error, quoted, write_string};
