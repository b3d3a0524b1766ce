//! How a client's bytes can break MS-TDS.

/// Why a client's bytes are not MS-TDS. All but the last close the connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProtocolError {
    /// The socket failed.
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
    /// A length points behind the end of its message.
    #[error("the message ends before its own lengths say so")]
    Truncated,
    /// The client sent more than the server will hold.
    #[error("the message is larger than {limit} bytes")]
    TooLarge {
        /// In bytes
        limit: usize,
    },
    /// A field has a value that MS-TDS does not define.
    #[error("{0}")]
    Malformed(&'static str),
    /// The client did not finish logging in in time.
    #[error("the log-in took longer than {seconds} seconds")]
    TimedOut {
        /// The limit
        seconds: u64,
    },
    /// MS-TDS defines it, this server does not do it.
    #[error("not supported by the embedded database: {0}")]
    Unsupported(&'static str),
}
