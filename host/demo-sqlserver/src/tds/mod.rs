//! The bytes of MS-TDS 7.4 as a server reads and writes them. Nothing here
//! knows of sockets' tasks or of SQL.

pub(crate) mod date_time;
pub(crate) mod decode;
pub(crate) mod encode;
mod error;
pub(crate) mod login;
pub(crate) mod message;
pub(crate) mod packet;
pub(crate) mod prelogin;
pub(crate) mod reader;
pub(crate) mod request;
pub(crate) mod text;
pub(crate) mod tls;
pub(crate) mod token;
pub(crate) mod type_info;

pub(crate) use error::ProtocolError;
