//! What an operator can have done, as forms and links name it.

use super::texts::OperatorTexts;
use crate::state::GrantFilter;

/// One deed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    RevokeGrant(String),
    RevokePerson(String),
    RevokeClient(String),
    RevokeScope(String),
    RevokeAll,
    BlockClient(String),
    UnblockClient(String),
    ReloadToolSet(String),
    /// Tool set, and digest of the version that was looked at.
    AcceptVersion(String, String),
    ReloadConfiguration,
}

impl Action {
    /// The action of that name; `field` has what it is about. None where that is
    /// missing.
    pub(super) fn read<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let target = || {
            let target = field("target").map(str::trim);
            target
                .filter(|target| !target.is_empty())
                .map(str::to_owned)
        };
        Some(match field("action")? {
            "revoke_grant" => Self::RevokeGrant(target()?),
            "revoke_person" => Self::RevokePerson(target()?),
            "revoke_client" => Self::RevokeClient(target()?),
            "revoke_scope" => Self::RevokeScope(target()?),
            "revoke_all" => Self::RevokeAll,
            "block_client" => Self::BlockClient(target()?),
            "unblock_client" => Self::UnblockClient(target()?),
            "reload_tool_set" => Self::ReloadToolSet(target()?),
            "accept_version" => {
                Self::AcceptVersion(target()?, field("digest").unwrap_or_default().to_owned())
            }
            "reload_configuration" => Self::ReloadConfiguration,
            _ => return None,
        })
    }

    /// Its name in forms and in the audit.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::RevokeGrant(_) => "revoke_grant",
            Self::RevokePerson(_) => "revoke_person",
            Self::RevokeClient(_) => "revoke_client",
            Self::RevokeScope(_) => "revoke_scope",
            Self::RevokeAll => "revoke_all",
            Self::BlockClient(_) => "block_client",
            Self::UnblockClient(_) => "unblock_client",
            Self::ReloadToolSet(_) => "reload_tool_set",
            Self::AcceptVersion(..) => "accept_version",
            Self::ReloadConfiguration => "reload_configuration",
        }
    }

    /// What it is about; empty where that is everything.
    pub(super) fn target(&self) -> &str {
        match self {
            Self::RevokeGrant(target)
            | Self::RevokePerson(target)
            | Self::RevokeClient(target)
            | Self::RevokeScope(target)
            | Self::BlockClient(target)
            | Self::UnblockClient(target)
            | Self::ReloadToolSet(target)
            | Self::AcceptVersion(target, _) => target,
            Self::RevokeAll | Self::ReloadConfiguration => "",
        }
    }

    /// Whether it takes something away.
    pub(super) fn is_grave(&self) -> bool {
        matches!(
            self,
            Self::RevokeGrant(_)
                | Self::RevokePerson(_)
                | Self::RevokeClient(_)
                | Self::RevokeScope(_)
                | Self::RevokeAll
                | Self::BlockClient(_)
        )
    }

    pub(super) fn title(&self, o: &OperatorTexts) -> &'static str {
        match self {
            Self::RevokeGrant(_) => o.a_revoke_grant,
            Self::RevokePerson(_) => o.a_revoke_person,
            Self::RevokeClient(_) => o.a_revoke_client,
            Self::RevokeScope(_) => o.a_revoke_scope,
            Self::RevokeAll => o.a_revoke_all,
            Self::BlockClient(_) => o.a_block_client,
            Self::UnblockClient(_) => o.a_unblock_client,
            Self::ReloadToolSet(_) => o.a_reload_tool_set,
            Self::AcceptVersion(..) => o.a_accept_version,
            Self::ReloadConfiguration => o.a_reload_configuration,
        }
    }

    /// What it comes to.
    pub(super) fn means(&self, o: &OperatorTexts) -> &'static str {
        match self {
            Self::RevokeGrant(_)
            | Self::RevokePerson(_)
            | Self::RevokeClient(_)
            | Self::RevokeScope(_)
            | Self::RevokeAll => o.c_revoke,
            Self::BlockClient(_) => o.c_block,
            Self::UnblockClient(_) => o.c_unblock,
            Self::ReloadToolSet(_) => o.c_reload,
            Self::AcceptVersion(..) => o.c_accept,
            Self::ReloadConfiguration => o.c_configuration,
        }
    }

    /// Which grants it ends, where that is what it does and they are not one.
    pub(super) fn grants(&self) -> Option<GrantFilter> {
        let mut filter = GrantFilter::default();
        match self {
            Self::RevokePerson(subject) => filter.subject = Some(subject.clone()),
            Self::RevokeClient(id) => filter.client_id = Some(id.clone()),
            Self::RevokeScope(name) => filter.scope = Some(name.clone()),
            Self::RevokeAll => {}
            _ => return None,
        }
        Some(filter)
    }

    /// What the page says when it was done.
    pub(super) fn done(name: &str, o: &OperatorTexts) -> Option<&'static str> {
        Some(match name {
            "revoke_grant" | "revoke_person" | "revoke_client" | "revoke_scope" | "revoke_all" => {
                o.d_revoked
            }
            "block_client" => o.d_blocked,
            "unblock_client" => o.d_unblocked,
            "reload_tool_set" => o.d_reloaded,
            "accept_version" => o.d_accepted,
            "reload_configuration" => o.d_configured,
            _ => return None,
        })
    }
}
