//! OAuth 2.1: every scope is its own authorization server and its own protected
//! resource.
//!
//! # From a stranger to a token
//! 1. A request without a token is answered 401 with the address of the
//!    protected-resource metadata ([`bearer`]).
//! 2. [`endpoints::well_known`]: that document names the issuer, and the
//!    issuer's document its endpoints.
//! 3. [`endpoints::register`]: the client registers (RFC 7591), or its id is the
//!    address of its metadata ([`clients::document`]).
//! 4. [`endpoints::authorize`]: the person signs in ([`people`]) and consents;
//!    a code goes to the client's redirect URI.
//! 5. [`endpoints::token`]: code and verifier become an access token and a
//!    refresh token.
//! 6. [`bearer`]: the token becomes a [`Principal`](crate::principal::Principal),
//!    as long as the person may enter ([`access`]).
//!
//! What is decided is decided without I/O, in the modules beside the endpoints;
//! the [`Store`](crate::state::Store) makes whole changes. An error has a rich
//! reason for the log and an RFC's code for the wire ([`error`]).

mod access;
mod address;
pub(crate) mod audit;
mod authorization;
pub(crate) mod bearer;
pub(crate) mod clients;
mod context;
mod decision;
pub(crate) mod endpoints;
mod error;
mod issuer;
mod metadata;
pub(crate) mod pages;
mod parameters;
pub(crate) mod people;
mod pkce;
mod routes;
#[cfg(test)]
pub(crate) mod testing;

pub use crate::client_tls::{client_tls, native_roots};
pub use access::{Admission, RedirectRule, RuleError, ScopeAccess};
pub use address::ClientAddress;
pub use bearer::{Authenticated, Refusal, Resource};
pub use clients::document::{
    DocumentFetcher, DocumentFetcherError, DocumentRules, Resolver, SystemResolver,
};
pub use context::{OAuth, OAuthConfig, SignInMethod};
pub(crate) use endpoints::operator::OPERATORS;
pub(crate) use issuer::is_loopback;
pub use issuer::{BaseError, Issuer, PublicUrl};
pub(crate) use parameters::Parameters;
pub use people::{
    LOCAL_SUBJECT, OidcIssuer, OidcIssuerError, OidcSettings, PasswordError, Passwords,
};
pub use routes::routes;
pub(crate) use routes::{BODY_TIMEOUT, LONGEST_FORM, in_time};
