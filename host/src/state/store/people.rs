//! People: added, invited, changed, removed; and their browsers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{GrantFilter, Store};
use crate::state::records::{Consent, Invitation, Person, RemovedPerson, SignIn};
use crate::state::transaction::Transaction;
use crate::state::{Event, IssuedSecret, SecretHash, SecretKind, StoreError};

/// What came of an invitation's link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The password is set, for this person.
    Set(Person),
    /// The link was used before, has expired, or never was.
    Unknown,
}

/// How a person is known to be the one.
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    /// By the password of this PHC string, which must still be the person's.
    Password(&'a str),
    /// By an OpenID Connect provider: the person is added if not known, and is
    /// from now on in exactly these groups, if the provider says any, and has
    /// exactly these claims.
    Provider {
        /// Without `group:`.
        groups: Option<&'a BTreeSet<String>>,
        /// By name.
        claims: &'a BTreeMap<String, String>,
    },
}

impl Store {
    /// The person of that subject.
    pub async fn person(&self, subject: &str) -> Result<Option<Person>, StoreError> {
        self.reading().get(subject).await
    }

    /// Everybody, by subject.
    pub async fn people(&self) -> Result<Vec<Person>, StoreError> {
        let mut people: Vec<Person> = self.reading().list(&Person::all()).await?;
        people.sort_by(|a, b| a.subject.cmp(&b.subject));
        Ok(people)
    }

    /// Adds a person, unless there is one of that subject; whether it did. One
    /// who was removed may come again. `password` is a PHC string.
    pub async fn add_person(
        &self,
        subject: &str,
        password: Option<&str>,
        groups: &BTreeSet<String>,
    ) -> Result<bool, StoreError> {
        change!(self, |transaction| {
            if transaction.get::<Person>(subject).await?.is_some() {
                return Ok(false);
            }
            transaction.put(&Person {
                password: password.map(ToOwned::to_owned),
                ..Person::new(subject, groups.clone(), transaction.now())
            })?;
            readmit(transaction, subject).await?;
            transaction.emit(Event::PersonChanged(subject.to_owned()));
            Ok(true)
        })
    }

    /// Sets a person's password, and ends all sign-ins and invitations; whether
    /// there is such a person. With `current`, the PHC string that was verified,
    /// only if that is still the one.
    pub async fn set_password(
        &self,
        subject: &str,
        current: Option<&str>,
        password: &str,
    ) -> Result<bool, StoreError> {
        change!(self, |transaction| {
            let Some(person) = transaction.get::<Person>(subject).await? else {
                return Ok(false);
            };
            if current.is_some() && current != person.password.as_deref() {
                return Ok(false);
            }
            with_password(transaction, person, password).await?;
            Ok(true)
        })
    }

    /// Puts a person in exactly these groups; whether there is such a person.
    pub async fn set_groups(
        &self,
        subject: &str,
        groups: &BTreeSet<String>,
    ) -> Result<bool, StoreError> {
        change!(self, |transaction| {
            let Some(person) = transaction.get::<Person>(subject).await? else {
                return Ok(false);
            };
            if person.groups != *groups {
                transaction.put(&Person {
                    groups: groups.clone(),
                    ..person
                })?;
                transaction.emit(Event::PersonChanged(subject.to_owned()));
            }
            Ok(true)
        })
    }

    /// Removes a person with all sign-ins, invitations, consents, codes and
    /// grants; whether there was any of it. No provider brings the person back,
    /// but [`add_person`](Self::add_person) or an invitation.
    pub async fn remove_person(&self, subject: &str) -> Result<bool, StoreError> {
        let filter = GrantFilter {
            subject: Some(subject.to_owned()),
            ..GrantFilter::default()
        };
        // With the person, all the rest is worth nothing, so it may go in steps.
        // What the person does meanwhile cannot hold up any of them, because the
        // transactions read nothing.
        let person = self.person(subject).await?;
        if let Some(person) = &person {
            change!(self, |transaction| {
                transaction.delete(person);
                transaction.put(&RemovedPerson {
                    subject: subject.to_owned(),
                    since: transaction.now(),
                })?;
                transaction.emit(Event::PersonChanged(subject.to_owned()));
                Ok(())
            })?;
        }
        let consents: Vec<Consent> = self.reading().list(&Consent::of_person(subject)).await?;
        change!(self, |transaction| {
            transaction.sweep(&SignIn::of_person(subject)).await?;
            transaction.sweep(&Invitation::of_person(subject)).await
        })?;
        self.delete_unread(&consents).await?;
        let revoked = self.revoke_grants(&filter).await?;
        Ok(person.is_some() || revoked.any() || !consents.is_empty())
    }

    /// Makes the link that lets a person set a password, in place of any
    /// earlier one; a person who is not known is added with `groups`.
    pub async fn invite_person(
        &self,
        subject: &str,
        groups: &BTreeSet<String>,
        ttl: Duration,
    ) -> Result<IssuedSecret, StoreError> {
        let secret = self.secrets.issue(SecretKind::Invitation)?;
        change!(self, |transaction| {
            let now = transaction.now();
            if transaction.get::<Person>(subject).await?.is_none() {
                transaction.put(&Person::new(subject, groups.clone(), now))?;
                readmit(transaction, subject).await?;
                transaction.emit(Event::PersonChanged(subject.to_owned()));
            }
            end_invitations(transaction, subject).await?;
            transaction.put(&Invitation {
                hash: secret.hash,
                subject: subject.to_owned(),
                expires_at: now.after(ttl),
            })
        })?;
        Ok(secret)
    }

    /// The invitation of that hash.
    pub async fn invitation(&self, hash: SecretHash) -> Result<Option<Invitation>, StoreError> {
        self.reading().get(hash).await
    }

    /// Sets the password of whoever was invited by that link, and ends all
    /// invitations and sign-ins.
    pub async fn accept_invitation(
        &self,
        hash: SecretHash,
        password: &str,
    ) -> Result<Accepted, StoreError> {
        change!(self, |transaction| {
            let Some(invitation) = transaction.get::<Invitation>(hash).await? else {
                return Ok(Accepted::Unknown);
            };
            let Some(person) = transaction.get::<Person>(&invitation.subject).await? else {
                return Ok(Accepted::Unknown);
            };
            let person = with_password(transaction, person, password).await?;
            Ok(Accepted::Set(person))
        })
    }

    /// Notes that a person has signed in, and gives the browser's new cookie;
    /// `None` when the person has been removed or has another password by now.
    pub async fn sign_in(
        &self,
        subject: &str,
        proof: Proof<'_>,
        ttl: Duration,
    ) -> Result<Option<IssuedSecret>, StoreError> {
        let secret = self.secrets.issue(SecretKind::SignIn)?;
        let known = change!(self, |transaction| {
            let now = transaction.now();
            let known: Option<Person> = transaction.get(subject).await?;
            let told = |person: &Person| (person.groups.clone(), person.claims.clone());
            let before = known.as_ref().map(told);
            let (person, after) = match (known, proof) {
                (Some(person), Proof::Password(phc)) if person.password.as_deref() == Some(phc) => {
                    let after = told(&person);
                    (person, after)
                }
                (_, Proof::Password(_)) => return Ok(false),
                (known, Proof::Provider { groups, claims }) => {
                    if transaction.get::<RemovedPerson>(subject).await?.is_some() {
                        return Ok(false);
                    }
                    let nobody = || Person::new(subject, BTreeSet::new(), now);
                    let person = known.unwrap_or_else(nobody);
                    let groups = groups.cloned().unwrap_or_else(|| person.groups.clone());
                    (person, (groups, claims.clone()))
                }
            };
            if before.as_ref() != Some(&after) {
                transaction.emit(Event::PersonChanged(subject.to_owned()));
            }
            let (groups, claims) = after;
            transaction.put(&Person {
                groups,
                claims,
                signed_in_at: Some(now),
                ..person
            })?;
            transaction.put(&SignIn {
                hash: secret.hash,
                subject: subject.to_owned(),
                signed_in_at: now,
                expires_at: now.after(ttl),
            })?;
            Ok(true)
        })?;
        Ok(known.then_some(secret))
    }

    /// Whether the person was removed and not added again.
    pub async fn is_person_removed(&self, subject: &str) -> Result<bool, StoreError> {
        let removed: Option<RemovedPerson> = self.reading().get(subject).await?;
        Ok(removed.is_some())
    }

    /// Who has signed in with the cookie of that hash.
    pub async fn signed_in(
        &self,
        hash: SecretHash,
    ) -> Result<Option<(SignIn, Person)>, StoreError> {
        let mut reading = self.reading();
        let Some(sign_in) = reading.get::<SignIn>(hash).await? else {
            return Ok(None);
        };
        let person: Option<Person> = reading.get(&sign_in.subject).await?;
        Ok(person.map(|person| (sign_in, person)))
    }

    /// Ends one sign-in.
    pub async fn sign_out(&self, hash: SecretHash) -> Result<(), StoreError> {
        change!(self, |transaction| {
            if let Some(sign_in) = transaction.get::<SignIn>(hash).await? {
                transaction.delete(&sign_in);
            }
            Ok(())
        })
    }
}

/// Forgets that the person was removed.
async fn readmit(transaction: &mut Transaction<'_>, subject: &str) -> Result<(), StoreError> {
    if let Some(removed) = transaction.get::<RemovedPerson>(subject).await? {
        transaction.delete(&removed);
    }
    Ok(())
}

/// Gives the person that password, and ends all sign-ins and invitations.
async fn with_password(
    transaction: &mut Transaction<'_>,
    person: Person,
    password: &str,
) -> Result<Person, StoreError> {
    end_sign_ins(transaction, &person.subject).await?;
    end_invitations(transaction, &person.subject).await?;
    let person = Person {
        password: Some(password.to_owned()),
        ..person
    };
    transaction.put(&person)?;
    Ok(person)
}

async fn end_sign_ins(transaction: &mut Transaction<'_>, subject: &str) -> Result<(), StoreError> {
    transaction.delete_all(&SignIn::of_person(subject)).await
}

async fn end_invitations(
    transaction: &mut Transaction<'_>,
    subject: &str,
) -> Result<(), StoreError> {
    transaction
        .delete_all(&Invitation::of_person(subject))
        .await
}
