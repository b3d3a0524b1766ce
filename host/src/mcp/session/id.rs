//! Session ids that verify themselves: any node knows one, after a restart too.
//!
//! An id says nothing about who may call: it names a conversation of one
//! principal, whose token comes with every request all the same.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Timestamp;
use crate::entropy::EntropyError;
use crate::mcp::version::Revision;
use crate::principal::Principal;
use crate::state::Secrets;
use crate::tools::Abilities;

/// What an id says, all of it vouched for by this host's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// What the handshake settled on.
    pub(super) revision: Revision,
    /// What the client said in the handshake.
    pub(super) abilities: Abilities,
    /// When the session began.
    pub(super) began: Timestamp,
}

/// Makes and verifies the ids of one scope.
pub(super) struct Ids {
    secrets: Secrets,
    scope: String,
}

impl Ids {
    pub(super) fn new(secrets: Secrets, scope: &str) -> Self {
        Self {
            secrets,
            scope: scope.to_owned(),
        }
    }

    /// A new id for `owner`.
    pub(super) fn issue(
        &self,
        facts: Facts,
        owner: Option<&Principal>,
    ) -> Result<String, EntropyError> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(facts.revision as u8);
        bytes.push(facts.abilities.bits());
        bytes.extend_from_slice(&facts.began.0.to_be_bytes());
        bytes.extend_from_slice(&self.secrets.entropy().bytes::<RANDOM_BYTES>()?);
        let mut id = URL_SAFE_NO_PAD.encode(bytes);
        let seal = self.seal(&id, owner);
        id.push('.');
        id.push_str(&seal);
        Ok(id)
    }

    /// What `id` says; `None` unless it is one of `owner`'s here, and not too old.
    pub(super) fn verify(
        &self,
        id: &str,
        owner: Option<&Principal>,
        now: Timestamp,
    ) -> Option<Facts> {
        let (encoded, seal) = id.split_once('.')?;
        let (subject, client) = Principal::caller_of(owner);
        let sealed = [&*self.scope, subject, client, encoded];
        if !self.secrets.is_sealed(PURPOSE, &sealed, seal) {
            return None;
        }
        let bytes: [u8; BYTES] = URL_SAFE_NO_PAD.decode(encoded).ok()?.try_into().ok()?;
        let [revision, abilities, began @ ..] = bytes;
        let began = began.first_chunk().copied().map(i64::from_be_bytes)?;
        let facts = Facts {
            revision: *Revision::ALL.get(usize::from(revision))?,
            abilities: Abilities::from_bits(abilities),
            began: Timestamp(began),
        };
        (now.since(facts.began) < LIFE).then_some(facts)
    }

    /// Not over the rights: a token that has more, after a step-up, goes on with the
    /// session.
    fn seal(&self, encoded: &str, owner: Option<&Principal>) -> String {
        let (subject, client) = Principal::caller_of(owner);
        let sealed = [&*self.scope, subject, client, encoded];
        self.secrets.seal(PURPOSE, &sealed)
    }
}

const PURPOSE: &str = "mcp-session";
const RANDOM_BYTES: usize = 16;
const BYTES: usize = 1 + 1 + 8 + RANDOM_BYTES;
/// Clients that keep one for longer begin anew.
const LIFE: Duration = Duration::from_secs(30 * 24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use crate::principal::Rights;
    use crate::state::HostKey;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn principal(subject: &str, client: &str, rights: Rights) -> Principal {
        Principal {
            subject: subject.to_owned(),
            client: client.to_owned(),
            rights,
            claims: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn an_id_is_good_for_its_owner_at_its_scope_on_every_node_for_its_time() {
        let key = HostKey::random().unwrap();
        let ids = |scope| Ids::new(Secrets::new(&key, Entropy::system()), scope);
        let ana = principal("ana", "claude", Rights::READ);
        let facts = Facts {
            abilities: Abilities::NONE.with(crate::tools::InputMethod::Elicitation),
            revision: Revision::V2025_06_18,
            began: NOW,
        };
        let id = ids("claude").issue(facts, Some(&ana)).unwrap();
        assert!(id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)), "{id}");
        let others = [("bob", "claude"), ("ana", "chatgpt"), ("anac", "laude")];
        let others = others.map(|(subject, client)| principal(subject, client, Rights::READ));
        let other_rights = principal("ana", "claude", Rights::ALL);
        let known = |scope, owner, now| ids(scope).verify(&id, owner, now);
        assert_eq!(known("claude", Some(&other_rights), NOW), Some(facts));
        assert_eq!(known("claude", Some(&ana), NOW.after(LIFE)), None);
        assert_eq!(known("chatgpt", Some(&ana), NOW), None);
        assert_eq!(known("claude", None, NOW), None);
        for other in &others {
            assert_eq!(known("claude", Some(other), NOW), None, "{other:?}");
        }
        let elsewhere = Secrets::new(&HostKey::random().unwrap(), Entropy::system());
        let elsewhere = Ids::new(elsewhere, "claude");
        assert_eq!(elsewhere.verify(&id, Some(&ana), NOW), None);
        for changed in [
            format!("A{id}"),
            format!("{id}x"),
            String::new(),
            ".".to_owned(),
        ] {
            let verified = ids("claude").verify(&changed, Some(&ana), NOW);
            assert_eq!(verified, None, "{changed}");
        }
    }
}
