//! The addresses of the authorization server, one file each; handlers are named
//! after their HTTP method.

pub(crate) mod account;
mod answers;
pub(crate) mod authorize;
pub(crate) mod invitation;
mod new_password;
pub(crate) mod oidc;
#[cfg(test)]
mod browsing;
