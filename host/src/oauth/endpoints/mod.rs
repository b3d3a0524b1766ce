//! The addresses of the authorization server, one file each; handlers are named
//! after their HTTP method.

pub(crate) mod account;
mod answers;
pub(crate) mod authorize;
#[cfg(test)]
mod browsing;
pub(crate) mod caller;
pub(crate) mod cors;
mod form;
pub(crate) mod invitation;
mod new_password;
pub(crate) mod oidc;
pub(crate) mod operator;
pub(crate) mod record;
pub(crate) mod register;
pub(crate) mod revoke;
mod sign_in;
pub(crate) mod token;
pub(crate) mod well_known;
