//! Drivers against the server with a scripted engine behind it.

#[cfg(test)]
mod attention;
#[cfg(test)]
mod backend;
#[cfg(test)]
mod login;
#[cfg(test)]
mod procedures;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod socket;
#[cfg(test)]
mod support;
#[cfg(test)]
mod types;
