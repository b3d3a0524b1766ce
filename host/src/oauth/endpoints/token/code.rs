//! A code becomes tokens, once (RFC 6749 §4.1.3, RFC 7636 §4.5).

use super::problem::TokenProblem;
use super::{Exchanged, Request, Seen};
use crate::oauth::pkce;
use crate::state::{Redeemed, SecretKind};

pub(super) async fn exchange(
    request: &Request<'_>,
    seen: &mut Seen,
) -> Result<Exchanged, TokenProblem> {
    let presented = request.required("code")?;

    let store = request.oauth.store();
    let hash = store
        .secrets()
        .recognise(SecretKind::AuthorizationCode, presented)
        .ok_or(TokenProblem::ForeignCode)?;
    let code = store.code(hash).await?.ok_or(TokenProblem::UnknownCode)?;
    if code.scope != request.issuer.scope().name {
        return Err(TokenProblem::CodeOfOtherScope(code.scope));
    }
    if code.client_id != seen.client_id {
        return Err(TokenProblem::CodeOfOtherClient);
    }
    seen.subject.clone_from(&code.subject);
    seen.client_name.clone_from(&code.client_name);
    // Before anything else is looked at: whoever has the code without it is the
    // one to be kept out (RFC 6749 §4.1.2).
    if let Some(grant) = &code.redeemed {
        store.revoke_grant(grant).await?;
        return Err(TokenProblem::ReusedCode);
    }
    if code.expires_at <= store.clock().now() {
        return Err(TokenProblem::ExpiredCode);
    }
    let verifier = request.required("code_verifier")?;
    if !pkce::is_verifier(verifier) {
        return Err(TokenProblem::BadVerifier);
    }
    // OAuth 2.1 has it no longer, since the verifier says more.
    if request
        .form
        .one("redirect_uri")?
        .is_some_and(|uri| uri != code.redirect_uri)
    {
        return Err(TokenProblem::OtherRedirectUri);
    }
    if !pkce::proves(verifier, &code.code_challenge) {
        return Err(TokenProblem::WrongVerifier);
    }
    let rights = code.rights.and(request.rights_now(&code.subject).await?);
    if rights.is_empty() {
        return Err(TokenProblem::PersonNotAdmitted);
    }

    let refresh = store
        .secrets()
        .issue(SecretKind::RefreshToken)
        .map_err(crate::state::StoreError::from)?;
    let (access, tokens) = request.tokens(&refresh)?;
    match store.redeem_code(hash, tokens).await? {
        Redeemed::Granted(_) => Ok(Exchanged {
            access,
            refresh,
            rights,
            tokens,
        }),
        Redeemed::Reused => Err(TokenProblem::ReusedCode),
        Redeemed::Unknown => Err(TokenProblem::ExpiredCode),
    }
}
