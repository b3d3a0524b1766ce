//! A refresh token becomes the next one (RFC 6749 §6, RFC 9700 §4.14).

use std::time::Duration;

use super::problem::TokenProblem;
use super::{Exchanged, Request, Seen};
use crate::principal::Rights;
use crate::state::{Rotated, SecretKind};

pub(super) async fn exchange(
    request: &Request<'_>,
    seen: &mut Seen,
) -> Result<Exchanged, TokenProblem> {
    let presented = request.required("refresh_token")?;
    let store = request.oauth.store();
    let hash = store
        .secrets()
        .recognise(SecretKind::RefreshToken, presented)
        .ok_or(TokenProblem::ForeignRefreshToken)?;
    let grant = store.refresh_grant(hash).await?;
    let grant = grant.ok_or(TokenProblem::UnknownRefreshToken)?;
    if grant.scope != request.issuer.scope().name {
        return Err(TokenProblem::RefreshTokenOfOtherScope(grant.scope));
    }
    if grant.client_id != seen.client_id {
        return Err(TokenProblem::RefreshTokenOfOtherClient);
    }
    seen.grant(&grant);
    let allowed = request.rights_now(&grant.subject).await?;
    if allowed.is_empty() {
        return Err(TokenProblem::PersonNotAdmitted);
    }
    let asked = asked(request.form.one("scope")?, grant.rights);
    // The store refuses too much, after it has looked for reuse.
    let rights = if asked.within(grant.rights) {
        asked.and(allowed)
    } else {
        asked
    };

    let refresh = store
        .secrets()
        .successor(SecretKind::RefreshToken, presented);
    let (access, tokens) = request.tokens(&refresh)?;
    let client = &seen.client_id;
    match store
        .rotate_refresh(hash, client, Some(rights), tokens, GRACE)
        .await?
    {
        Rotated::Granted(_, rights) => Ok(Exchanged {
            access,
            refresh,
            rights,
            tokens,
        }),
        Rotated::Reused => Err(TokenProblem::ReusedRefreshToken),
        Rotated::TooMuch(rights) => Err(TokenProblem::TooMuch(rights)),
        Rotated::OtherClient => Err(TokenProblem::RefreshTokenOfOtherClient),
        Rotated::Unknown => Err(TokenProblem::UnknownRefreshToken),
    }
}

/// The rights that `scope` names, reading among them; without any, what was
/// granted (RFC 6749 §6).
fn asked(scope: Option<&str>, granted: Rights) -> Rights {
    let named = scope.map_or(Rights::NONE, Rights::parse);
    if named.is_empty() {
        granted
    } else {
        named.or(Rights::READ)
    }
}

/// Clients that lost an answer, or ask twice at once, get the same successor
/// this long.
const GRACE: Duration = Duration::from_secs(60);
