//! A name and a password, held against what is known: the same answer in the
//! same time whether there is such a person or not.

use std::net::IpAddr;
use std::time::Duration;

use secrecy::SecretString;

use crate::oauth::context::OAuth;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::state::StoreError;

/// Why a password is not accepted.
#[derive(Debug)]
pub(in crate::oauth) enum Refusal {
    /// Too many tries; the next may be made after this time.
    Throttled(Duration),
    /// They do not go together.
    Wrong,
    /// The store cannot be reached.
    Store(StoreError),
}

impl OAuth {
    /// The PHC string of `subject`, which is in lower case, if `password` is the
    /// one.
    pub(in crate::oauth) async fn check_password(
        &self,
        subject: &str,
        password: SecretString,
        address: IpAddr,
    ) -> Result<String, Refusal> {
        let admitted = self.shared.throttle.admit(subject, address);
        admitted.map_err(Refusal::Throttled)?;
        let person = self.shared.store.person(subject).await;
        let phc = person
            .map_err(Refusal::Store)?
            .and_then(|person| person.password);
        let verified = self.shared.passwords.verify(password, phc.clone()).await;
        phc.filter(|_| verified).ok_or(Refusal::Wrong)
    }
}

impl From<&Refusal> for OAuthError {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Throttled(wait) => {
                let reason = format!("too many tries; the next in {} s", wait.as_secs());
                Self::new(ErrorCode::SlowDown, reason)
            }
            Refusal::Wrong => Self::new(ErrorCode::AccessDenied, "wrong name or password"),
            Refusal::Store(error) => Self::new(
                ErrorCode::TemporarilyUnavailable,
                "the state cannot be reached",
            )
            .because(error),
        }
    }
}
