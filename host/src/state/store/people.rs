//! People: added, invited, changed, removed; and their browsers.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{GrantFilter, Store, grants};
use crate::state::records::{Consent, Invitation, Person, SignIn};
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

    /// Adds a person, unless there is one of that subject; whether it did.
    /// `password` is a PHC string.
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
            transaction.emit(Event::PersonChanged(subject.to_owned()));
            Ok(true)
        })
    }

    /// Sets a person's password, and ends all sign-ins and invitations; whether
    /// there is such a person.
    pub async fn set_password(&self, subject: &str, password: &str) -> Result<bool, StoreError> {
        change!(self, |transaction| {
            let Some(person) = transaction.get::<Person>(subject).await? else {
                return Ok(false);
            };
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
    /// grants; whether there was any of it.
    pub async fn remove_person(&self, subject: &str) -> Result<bool, StoreError> {
        let filter = GrantFilter {
            subject: Some(subject.to_owned()),
            ..GrantFilter::default()
        };
        change!(self, |transaction| {
            let person: Option<Person> = transaction.get(subject).await?;
            if let Some(person) = &person {
                transaction.delete(person);
            }
            end_sign_ins(transaction, subject).await?;
            end_invitations(transaction, subject).await?;
            let consents = Consent::of_person(subject);
            let consents: Vec<Consent> = transaction.list(&consents).await?;
            for consent in &consents {
                transaction.delete(consent);
            }
            let granted = grants::end_matching(transaction, &filter).await?;
            let found = person.is_some() || granted || !consents.is_empty();
            if found {
                transaction.emit(Event::PersonChanged(subject.to_owned()));
            }
            Ok(found)
        })
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
    /// `None` when there is no such person (any more). With `groups`, from an
    /// OpenID Connect provider, the person is in exactly those from now on, and
    /// is added if not known.
    pub async fn sign_in(
        &self,
        subject: &str,
        groups: Option<&BTreeSet<String>>,
        ttl: Duration,
    ) -> Result<Option<IssuedSecret>, StoreError> {
        let secret = self.secrets.issue(SecretKind::SignIn)?;
        let known = change!(self, |transaction| {
            let now = transaction.now();
            let known: Option<Person> = transaction.get(subject).await?;
            if known.is_none() && groups.is_none() {
                return Ok(false);
            }
            let before = known.as_ref().map(|person| person.groups.clone());
            let person = known.unwrap_or_else(|| Person::new(subject, BTreeSet::new(), now));
            let after = groups.cloned().unwrap_or_else(|| person.groups.clone());
            if before.as_ref() != Some(&after) {
                transaction.emit(Event::PersonChanged(subject.to_owned()));
            }
            transaction.put(&Person {
                groups: after,
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
