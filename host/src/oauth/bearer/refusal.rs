//! Why a request is not let in.

/// Why a request is not let in; the message is what the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is not exactly one `Authorization` header, or it carries no bearer
    /// token.
    #[error("This address needs one Authorization header with a bearer token.")]
    Missing,
    /// A token came in the address, where logs keep it (RFC 9700 §4.3.2).
    #[error("Access tokens count in the Authorization header alone, not in the address.")]
    InAddress,
    /// Nothing that this server ever gave out.
    #[error("The access token is not valid.")]
    Unknown,
    /// It was good once: it expired, or it, its grant or its client was revoked.
    #[error("The access token has expired or was revoked.")]
    Ended,
    /// Its time is over.
    #[error("The access token has expired.")]
    Expired,
    /// It ended while the call was running.
    #[error("The access token was revoked.")]
    Revoked,
    /// It is good at another scope's addresses.
    #[error("The access token is for another address.")]
    Elsewhere,
    /// Its person may not enter, or not any more.
    #[error("The access token's owner is not admitted here.")]
    NotAdmitted,
    /// The store does not answer.
    #[error("The server cannot check access tokens at the moment; try again later.")]
    Unavailable,
}

impl Refusal {
    /// `error` of RFC 6750 §3.1, which wants none where no token was presented.
    pub(super) fn code(self) -> Option<&'static str> {
        match self {
            Self::Missing => None,
            Self::Unavailable => Some("temporarily_unavailable"),
            _ => Some("invalid_token"),
        }
    }

    /// Whether the audit is to know: somebody holds a token that is not, or no
    /// longer, theirs to use here. Garbage and the hourly end of a token are not
    /// of note.
    pub(super) fn is_of_note(self) -> bool {
        matches!(
            self,
            Self::InAddress | Self::Ended | Self::Revoked | Self::Elsewhere | Self::NotAdmitted
        )
    }

    /// For the log.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::InAddress => "in the address",
            Self::Unknown => "unknown",
            Self::Ended => "ended",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Elsewhere => "of another scope",
            Self::NotAdmitted => "person not admitted",
            Self::Unavailable => "store not available",
        }
    }
}
