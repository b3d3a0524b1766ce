//! `/confirm` and `/act`: what an action would do, and doing it. Nothing is done
//! without the form that the first of them gives to this browser.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::action::Action;
use super::page::form;
use super::site::SiteError;
use super::texts::OperatorTexts;
use super::{OperatorState, files};
use crate::audit::{Entry, Event, Outcome};
use crate::oauth::Parameters;
use crate::oauth::endpoints::operator::{Door, Operator};
use crate::oauth::pages::{Texts, respond};
use crate::state::{GrantFilter, Store, StoreError};

#[derive(Template)]
#[template(path = "operator/confirm.html")]
struct ConfirmPage<'a> {
    t: &'static Texts,
    o: &'static OperatorTexts,
    title: &'static str,
    /// None where there is nothing to do.
    action: Option<&'a Action>,
    /// Grants that would end.
    grants: Option<usize>,
    /// What is new in a version.
    changes: Vec<String>,
    /// Why there is nothing to do, or why it was not done.
    alert: Option<&'a str>,
    csrf: &'a str,
}

impl ConfirmPage<'_> {
    fn sheet(&self) -> &'static str {
        files::sheet_address()
    }

    fn digest(&self) -> Option<&str> {
        match self.action {
            Some(Action::AcceptVersion(_, digest)) => Some(digest),
            _ => None,
        }
    }
}

/// What an action would come to.
#[derive(Default)]
struct Effect {
    grants: Option<usize>,
    changes: Vec<String>,
    /// There is nothing to be done.
    nothing: bool,
}

/// Why something was not done.
enum NotDone {
    Site(SiteError),
    Store(StoreError),
    /// There is nothing of that kind.
    Nothing,
}

/// `GET /confirm?action=…&target=…`
pub(super) async fn confirm(State(state): State<OperatorState>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let door = match Door::of(&state.0.oauth, &mut parts).await {
        Ok(door) => door,
        Err(response) => return *response,
    };
    if let Err(response) = door.operator().await {
        return *response;
    }
    let query = Parameters::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let action = Action::read(|name| query.one(name).ok().flatten());
    let o = OperatorTexts::of(door.language());
    let Some(action) = action else {
        return page(
            &door,
            None,
            Effect::default(),
            Some(o.no_such),
            StatusCode::BAD_REQUEST,
        );
    };
    let (action, effect) = match state.look(action).await {
        Ok(seen) => seen,
        Err(error) => return not_done(&door, None, &error),
    };
    let alert = effect.nothing.then_some(o.nothing_to_do);
    page(&door, Some(&action), effect, alert, StatusCode::OK)
}

/// `POST /act`
pub(super) async fn post(State(state): State<OperatorState>, request: Request) -> Response {
    let (door, body) = match form(&state, request).await {
        Ok(form) => form,
        Err(response) => return *response,
    };
    let operator = match door.operator().await {
        Ok(operator) => operator,
        Err(response) => return *response,
    };
    let fields = Parameters::parse(&body);
    let field = |name: &str| fields.one(name).ok().flatten();
    if !door.is_own_form(ACT, field("csrf")) {
        return door.not_own_form();
    }
    let Some(action) = Action::read(field) else {
        let o = OperatorTexts::of(door.language());
        return page(
            &door,
            None,
            Effect::default(),
            Some(o.no_such),
            StatusCode::BAD_REQUEST,
        );
    };
    match state.act(&action).await {
        Ok(count) => {
            state.note(&operator, &action, count, None);
            let count = count.map(|count| format!("&count={count}"));
            let count = count.unwrap_or_default();
            door.lead_to(&format!("/?done={}{count}", action.name()))
        }
        Err(error) => {
            state.note(&operator, &action, None, Some(&error));
            not_done(&door, Some(&action), &error)
        }
    }
}

impl OperatorState {
    /// What the action would come to, and the action itself with names as they are
    /// known here.
    async fn look(&self, action: Action) -> Result<(Action, Effect), NotDone> {
        let store = self.0.oauth.store();
        let action = match action {
            Action::RevokePerson(name) => Action::RevokePerson(known(store, name).await?),
            action => action,
        };
        if let Some(filter) = action.grants() {
            let grants = store.grants(&filter).await?.len();
            let effect = Effect {
                grants: Some(grants),
                nothing: grants == 0,
                ..Effect::default()
            };
            return Ok((action, effect));
        }
        let mut effect = Effect::default();
        match &action {
            Action::RevokeGrant(id) => {
                let grants = store.grants(&GrantFilter::default()).await?;
                effect.nothing = !grants.iter().any(|grant| grant.id == *id);
            }
            Action::BlockClient(id) => effect.nothing = store.is_client_blocked(id).await?,
            Action::UnblockClient(id) => effect.nothing = !store.is_client_blocked(id).await?,
            Action::ReloadToolSet(name) => {
                let sets = self.0.site.tool_sets();
                effect.nothing = !sets.iter().any(|set| set.name == *name);
            }
            Action::AcceptVersion(name, _) => {
                let parked = self.0.site.parked(name).map_err(NotDone::Site)?;
                let parked = parked.ok_or(NotDone::Nothing)?;
                effect.changes = parked.changes;
                return Ok((Action::AcceptVersion(name.clone(), parked.digest), effect));
            }
            Action::ReloadConfiguration => effect.nothing = !self.0.site.has_configuration(),
            _ => {}
        }
        Ok((action, effect))
    }

    /// Does it; how many grants ended, where that is what it does.
    async fn act(&self, action: &Action) -> Result<Option<usize>, NotDone> {
        let (store, site) = (self.0.oauth.store(), &self.0.site);
        if let Some(filter) = action.grants() {
            let revoked = store.revoke_grants(&filter).await?;
            return match revoked.any() {
                true => Ok(Some(revoked.grants)),
                false => Err(NotDone::Nothing),
            };
        }
        match action {
            Action::RevokeGrant(id) => {
                if !store.revoke_grant(id).await? {
                    return Err(NotDone::Nothing);
                }
                return Ok(Some(1));
            }
            Action::BlockClient(id) => store.block_client(id, true).await?,
            Action::UnblockClient(id) => store.block_client(id, false).await?,
            Action::ReloadToolSet(name) => site.reload(name).await.map_err(NotDone::Site)?,
            Action::AcceptVersion(name, digest) => {
                site.accept(name, digest).await.map_err(NotDone::Site)?;
            }
            Action::ReloadConfiguration => site.reconfigure().await.map_err(NotDone::Site)?,
            _ => {}
        }
        Ok(None)
    }

    fn note(
        &self,
        operator: &Operator,
        action: &Action,
        count: Option<usize>,
        error: Option<&NotDone>,
    ) {
        let target = action.target();
        let reason = match (error, count) {
            (Some(error), _) => format!("{target}: {}", error.sentence()),
            (None, Some(count)) => format!("{target}: {count} grants"),
            (None, None) => target.to_owned(),
        };
        let of = |is: bool| is.then(|| target.to_owned());
        let client = matches!(
            action,
            Action::RevokeClient(_) | Action::BlockClient(_) | Action::UnblockClient(_)
        );
        let outcome = match error {
            Some(_) => Outcome::Failed,
            None => Outcome::Done,
        };
        self.0.oauth.note(Entry {
            action: Some(action.name()),
            subject: Some(operator.subject.clone()),
            client_id: of(client),
            scope: of(matches!(action, Action::RevokeScope(_))).map(Into::into),
            reason: (!reason.is_empty()).then_some(reason),
            ..Entry::new(Event::Operator, outcome)
        });
    }
}

impl NotDone {
    fn sentence(&self) -> String {
        match self {
            Self::Site(error) => error.to_string(),
            Self::Store(error) => error.to_string(),
            Self::Nothing => "there is nothing of that kind".to_owned(),
        }
    }
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A person as the store spells the name: in lower case, unless a provider does not.
async fn known(store: &Store, name: String) -> Result<String, StoreError> {
    let lower = name.to_lowercase();
    let filter = GrantFilter {
        subject: Some(name.clone()),
        ..GrantFilter::default()
    };
    if name == lower || !store.grants(&filter).await?.is_empty() {
        return Ok(name);
    }
    Ok(lower)
}

fn not_done(door: &Door, action: Option<&Action>, error: &NotDone) -> Response {
    let o = OperatorTexts::of(door.language());
    let (status, sentence) = match error {
        NotDone::Store(error) => return door.unavailable(error),
        NotDone::Nothing => (StatusCode::CONFLICT, o.nothing_to_do.to_owned()),
        NotDone::Site(error) => (StatusCode::CONFLICT, format!("{}: {error}", o.failed)),
    };
    page(door, action, Effect::default(), Some(&sentence), status)
}

fn page(
    door: &Door,
    action: Option<&Action>,
    effect: Effect,
    alert: Option<&str>,
    status: StatusCode,
) -> Response {
    let (language, o) = (door.language(), OperatorTexts::of(door.language()));
    let page = ConfirmPage {
        t: language.texts(),
        o,
        title: action.map_or(o.title, |action| action.title(o)),
        // What was not done is tried again from the page, which shows it anew.
        action: action.filter(|_| alert.is_none()),
        grants: effect.grants,
        changes: effect.changes,
        alert,
        csrf: &door.csrf_token(ACT),
    };
    door.keep(respond(status, language, &page))
}

pub(super) const CONFIRM: &str = "/confirm";
pub(super) const ACT: &str = "/act";
