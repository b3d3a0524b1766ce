//! `/`: all there is, on one page.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::action::Action;
use super::live::Parts;
use super::rows::day;
use super::texts::OperatorTexts;
use super::{OperatorState, files};
use crate::oauth::endpoints::operator::{ADDRESS, Door, Operator};
use crate::oauth::pages::{Language, Texts, respond_with_script, shown};
use crate::oauth::{LONGEST_FORM, Parameters};
use crate::state::{Client, Grant, GrantFilter, Store, StoreError};

#[derive(Template)]
#[template(path = "operator/page.html")]
struct OperatorPage<'a> {
    t: &'static Texts,
    o: &'static OperatorTexts,
    parts: Parts,
    operator: &'a Operator,
    csrf: &'a str,
    /// What was just done.
    done: Option<String>,
    has_configuration: bool,
    /// Where there are tokens.
    people: Option<People>,
}

/// What the store knows.
struct People {
    grants: Vec<GrantRow>,
    more_grants: usize,
    clients: Vec<ClientRow>,
    more_clients: usize,
}

struct GrantRow {
    id: String,
    scope: String,
    subject: String,
    client: String,
    rights: String,
    used: String,
    since: String,
}

struct ClientRow {
    id: String,
    name: String,
    scope: String,
    used: Option<String>,
    blocked: bool,
}

impl OperatorPage<'_> {
    fn sheet(&self) -> &'static str {
        files::sheet_address()
    }

    fn script(&self) -> &'static str {
        files::script_address()
    }
}

/// `GET /`
pub(super) async fn get(State(state): State<OperatorState>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let door = match Door::of(&state.0.oauth, &mut parts).await {
        Ok(door) => door,
        Err(response) => return *response,
    };
    let response = match door.operator().await {
        Ok(operator) => match show(&state, &door, &operator, &parts.uri).await {
            Ok(page) => door.keep(page),
            Err(error) => door.unavailable(&error),
        },
        Err(response) => *response,
    };
    Language::keep_choice(&parts.uri, door.is_https(), response)
}

/// `POST /`: the forms that lead in and out.
pub(super) async fn post(State(state): State<OperatorState>, request: Request) -> Response {
    match form(&state, request).await {
        Ok((door, body)) => door.post(&body).await,
        Err(response) => *response,
    }
}

/// Who sends a form, and the form.
pub(super) async fn form(
    state: &OperatorState,
    request: Request,
) -> Result<(Door, Bytes), Box<Response>> {
    let (mut parts, body) = request.into_parts();
    let door = Door::of(&state.0.oauth, &mut parts).await?;
    let body = axum::body::to_bytes(body, LONGEST_FORM).await;
    let body = body.map_err(|_| Box::new(StatusCode::PAYLOAD_TOO_LARGE.into_response()))?;
    Ok((door, body))
}

async fn show(
    state: &OperatorState,
    door: &Door,
    operator: &Operator,
    uri: &Uri,
) -> Result<Response, StoreError> {
    let shared = &state.0;
    let (language, o) = (door.language(), OperatorTexts::of(door.language()));
    let query = Parameters::parse(uri.query().unwrap_or_default().as_bytes());
    let field = |name| query.one(name).ok().flatten();
    let done = field("done").and_then(|name| Action::done(name, o));
    let count = field("count").and_then(|count| count.parse::<usize>().ok());
    let done = done.map(|done| match count {
        Some(count) => format!("{done} {count}"),
        None => done.to_owned(),
    });
    let people = match shared.tokens {
        true => Some(people(shared.oauth.store()).await?),
        false => None,
    };
    let page = OperatorPage {
        t: language.texts(),
        o,
        parts: Parts::of(state, o).await,
        operator,
        csrf: &door.csrf_token(ADDRESS),
        done,
        has_configuration: shared.site.has_configuration(),
        people,
    };
    Ok(respond_with_script(StatusCode::OK, language, &page))
}

async fn people(store: &Store) -> Result<People, StoreError> {
    let grants = store.grants(&GrantFilter::default()).await?;
    let clients = store.clients(None).await?;
    let blocked = store.blocked_clients().await?;
    let is_blocked = |id: &str| blocked.iter().any(|(other, _)| other == id);
    let strangers = blocked.iter().filter(|(id, _)| {
        // Blocked by the address of their metadata, or removed since.
        !clients.iter().any(|client| client.id == *id)
    });
    let strangers = strangers.map(|(id, _)| ClientRow {
        id: id.clone(),
        name: String::new(),
        scope: String::new(),
        used: None,
        blocked: true,
    });
    let (first, rest): (Vec<&Client>, Vec<&Client>) = clients
        .iter()
        .rev()
        .partition(|client| is_blocked(&client.id));
    let more_clients = rest.len().saturating_sub(SHOWN);
    let known = first.into_iter().chain(rest.into_iter().take(SHOWN));
    let known = known.map(|client| ClientRow {
        id: client.id.clone(),
        name: shown(&client.name),
        scope: client.scope.clone(),
        used: client.used_at.map(day),
        blocked: is_blocked(&client.id),
    });
    Ok(People {
        more_grants: grants.len().saturating_sub(SHOWN),
        grants: grants.iter().take(SHOWN).map(row).collect(),
        clients: strangers.chain(known).collect(),
        more_clients,
    })
}

fn row(grant: &Grant) -> GrantRow {
    GrantRow {
        id: grant.id.clone(),
        scope: grant.scope.clone(),
        subject: grant.subject.clone(),
        client: shown(&grant.client_name),
        rights: grant.rights.to_string(),
        used: day(grant.used_at),
        since: day(grant.created_at),
    }
}

/// Rows of grants and clients; commands list all.
const SHOWN: usize = 25;
