//! The addresses of the authorization server, one file each; handlers are named
//! after their HTTP method.

pub(crate) mod authorize;
