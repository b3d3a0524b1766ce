//! The addresses of the authorization server, one file each; handlers are named
//! after their HTTP method.

pub(crate) mod authorize;
pub(crate) mod cors;
mod form;
pub(crate) mod register;
pub(crate) mod revoke;
pub(crate) mod token;
pub(crate) mod well_known;
