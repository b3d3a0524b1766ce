//! Sessions of the revisions with a handshake: what one client and this node
//! keep between its requests.
//!
//! The id alone makes a session good. What is kept in memory under it (streams,
//! calls under way) can be forgotten when nobody uses it, and begins empty on
//! another node.

mod asked;
mod id;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use self::asked::Asked;
pub(crate) use self::asked::Awaited;
use self::id::{Facts, Ids};
use super::jsonrpc::OneWay;
use super::stream::{EventId, EventStream};
use super::version::Revision;
use crate::clock::{Clock, Timestamp};
use crate::entropy::EntropyError;
use crate::principal::Principal;
use crate::state::Secrets;
use crate::tools::Abilities;

/// The sessions of one scope.
pub(crate) struct Sessions {
    ids: Ids,
    clock: Clock,
    live: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    sessions: HashMap<String, Arc<Session>>,
    /// Ended by their clients, until nobody can remember them.
    ended: HashMap<String, Timestamp>,
    swept_at: Option<Timestamp>,
}

/// One client's conversation.
pub(crate) struct Session {
    id: String,
    /// Subject and client.
    owner: Option<(String, String)>,
    used_at: AtomicI64,
    /// Cancelled when the session ends.
    over: CancellationToken,
    state: Mutex<State>,
}

struct State {
    /// What the handshake settled on.
    revision: Revision,
    abilities: Abilities,
    /// Requests to the client.
    asked: Asked,
    /// Replies that are streamed, and listeners; oldest first.
    streams: VecDeque<Arc<EventStream>>,
    /// The stream that carries what belongs to no request.
    listener: Option<Arc<EventStream>>,
    /// Counts on from the time of the first, so that ids differ from those that
    /// another process gave in the same session.
    last_stream: u64,
    /// Ids as they were spelled.
    running: HashMap<String, CancellationToken>,
    /// The last change of the tools that was told.
    announced: u64,
}

impl Sessions {
    pub(crate) fn new(secrets: Secrets, clock: Clock, scope: &str) -> Self {
        Self {
            ids: Ids::new(secrets, scope),
            clock,
            live: Mutex::default(),
        }
    }

    /// A new session of `owner`. `change` is the last change of the tools.
    pub(crate) fn begin(
        &self,
        revision: Revision,
        abilities: Abilities,
        owner: Option<&Principal>,
        change: u64,
    ) -> Result<Arc<Session>, EntropyError> {
        let now = self.clock.now();
        let facts = Facts {
            revision,
            abilities,
            began: now,
        };
        let id = self.ids.issue(facts, owner)?;
        let session = Session::new(id, facts, owner, now, change);
        self.live().keep(Arc::clone(&session), now);
        Ok(session)
    }

    /// The session of that id; `None` unless it is one of `owner`'s and goes on.
    pub(crate) fn find(
        &self,
        id: &str,
        owner: Option<&Principal>,
        change: u64,
    ) -> Option<Arc<Session>> {
        let now = self.clock.now();
        let mut live = self.live();
        if let Some(session) = live.sessions.get(id) {
            if !session.is_of(owner) {
                return None;
            }
            session.used_at.store(now.0, Ordering::Relaxed);
            return Some(Arc::clone(session));
        }
        if live.ended.contains_key(id) {
            return None;
        }
        let facts = self.ids.verify(id, owner, now)?;
        let session = Session::new(id.to_owned(), facts, owner, now, change);
        live.keep(Arc::clone(&session), now);
        Some(session)
    }

    /// Ends a session with all that runs in it; whether it went on until now.
    pub(crate) fn end(&self, id: &str, owner: Option<&Principal>) -> bool {
        let Some(session) = self.find(id, owner, 0) else {
            return false;
        };
        let now = self.clock.now();
        let mut live = self.live();
        live.sessions.remove(id);
        live.ended.retain(|_, at| now.since(*at) < REMEMBERED);
        live.ended.insert(id.to_owned(), now);
        drop(live);
        session.over.cancel();
        true
    }

    /// Ends a session that cannot be come back to.
    pub(crate) fn forget(&self, session: &Session) {
        self.live().sessions.remove(&session.id);
        session.over.cancel();
    }

    /// How many this node keeps in memory.
    pub(crate) fn len(&self) -> usize {
        self.live().sessions.len()
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Keeps a session, and forgets what nobody has used for long. Who has many
    /// loses the idlest from memory, not its id.
    fn keep(&mut self, session: Arc<Session>, now: Timestamp) {
        if self.swept_at.is_none_or(|swept| now.since(swept) >= SWEEP) {
            self.swept_at = Some(now);
            self.sessions
                .retain(|_, kept| kept.is_used() || now.since(kept.used_at()) < IDLE);
        }
        let own = |kept: &&Arc<Session>| kept.owner == session.owner;
        if session.owner.is_some() && self.sessions.values().filter(own).count() >= MAX_OF_ONE_OWNER
        {
            let idle = self.sessions.values().filter(own).filter(|s| !s.is_used());
            let idlest = idle.min_by_key(|kept| kept.used_at());
            if let Some(idlest) = idlest.map(|idlest| idlest.id.clone()) {
                self.sessions.remove(&idlest);
            }
        }
        self.sessions.insert(session.id.clone(), session);
    }
}

impl Session {
    fn new(
        id: String,
        facts: Facts,
        owner: Option<&Principal>,
        now: Timestamp,
        change: u64,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            owner: owner.map(|owner| (owner.subject.clone(), owner.client.clone())),
            used_at: AtomicI64::new(now.0),
            over: CancellationToken::new(),
            state: Mutex::new(State {
                revision: facts.revision,
                abilities: facts.abilities,
                asked: Asked::since(now),
                streams: VecDeque::new(),
                listener: None,
                last_stream: u64::try_from(now.0).unwrap_or_default(),
                running: HashMap::new(),
                announced: change,
            }),
        })
    }

    /// `Mcp-Session-Id`
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What the handshake settled on.
    pub(crate) fn revision(&self) -> Revision {
        self.state().revision
    }

    /// What the client can be asked for.
    pub(crate) fn abilities(&self) -> Abilities {
        self.state().abilities
    }

    /// The handshake came after the session had begun.
    pub(crate) fn settle(&self, revision: Revision, abilities: Abilities) {
        let mut state = self.state();
        state.revision = revision;
        state.abilities = abilities;
    }

    /// A new request to the client, whose answer will be heard.
    pub(crate) fn ask(self: &Arc<Self>) -> Awaited {
        let (id, answer) = self.state().asked.add();
        Awaited::new(Arc::clone(self), id, answer)
    }

    /// Takes what the client says without wanting a reply.
    pub(crate) fn hear(&self, told: &OneWay<'_>) {
        match told {
            OneWay::Notification(notification) => {
                if let Some(id) = notification.cancelled() {
                    self.cancel(id);
                }
            }
            OneWay::Response(response) => self.state().asked.answer(response),
        }
    }

    /// Cancelled when the session ends.
    pub(crate) fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// Notes a request as under way, until the answer is dropped; `None` when
    /// one of that id is.
    pub(crate) fn run(self: &Arc<Self>, id: &str) -> Option<Running> {
        let cancel = self.over.child_token();
        let mut state = self.state();
        if state.running.contains_key(id) {
            return None;
        }
        state.running.insert(id.to_owned(), cancel.clone());
        Some(Running {
            session: Arc::clone(self),
            id: id.to_owned(),
            cancel,
        })
    }

    /// How many requests are under way.
    pub(crate) fn running(&self) -> usize {
        self.state().running.len()
    }

    /// Cancels the request of that id; nothing happens when there is none.
    fn cancel(&self, id: &str) {
        if let Some(cancel) = self.state().running.get(id) {
            cancel.cancel();
        }
    }

    /// A new stream, for the reply to one request.
    pub(crate) fn open(&self, request: &RawValue) -> Arc<EventStream> {
        self.state().open(Some(request))
    }

    /// A new stream for what belongs to no request.
    pub(crate) fn listen(&self) -> Arc<EventStream> {
        let mut state = self.state();
        let stream = state.open(None);
        state.listener = Some(Arc::clone(&stream));
        stream
    }

    /// The stream that carries what belongs to no request.
    pub(crate) fn listener(&self) -> Option<Arc<EventStream>> {
        self.state().listener.clone()
    }

    /// The stream that an event was on, if it is still kept.
    pub(crate) fn stream_of(&self, event: &EventId) -> Option<Arc<EventStream>> {
        let state = self.state();
        let same = |s: &&Arc<EventStream>| {
            s.id() == event.stream && s.is_reply() == event.reply_to.is_some()
        };
        let stream = state.streams.iter().find(same);
        stream.cloned()
    }

    /// Tells the client of a change, once: on its newest stream that is read, or on
    /// the next that will be.
    pub(crate) fn announce(&self, change: u64, message: &'static str) {
        let mut state = self.state();
        if state.announced >= change {
            return;
        }
        let mut listeners = state.streams.iter().rev().filter(|s| !s.is_reply());
        if let Some(listener) = listeners.find(|s| s.is_read())
            && listener.push(message)
        {
            state.announced = change;
        }
    }

    fn is_of(&self, owner: Option<&Principal>) -> bool {
        let own = self.owner.as_ref();
        own.map(|(subject, client)| (&**subject, &**client)) == owner.map(Principal::caller)
    }

    fn is_used(&self) -> bool {
        let state = self.state();
        !state.running.is_empty() || state.streams.iter().any(|stream| stream.is_read())
    }

    fn used_at(&self) -> Timestamp {
        Timestamp(self.used_at.load(Ordering::Relaxed))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn open(&mut self, reply_to: Option<&RawValue>) -> Arc<EventStream> {
        let over = |stream: &Arc<EventStream>| stream.has_ended() && !stream.is_read();
        let kept: usize = self.streams.iter().map(|stream| stream.bytes()).sum();
        if self.streams.len() >= MAX_STREAMS || kept > MAX_STREAM_BYTES {
            // Those that are over first; what still waits for its reply last.
            let oldest = self.streams.iter().position(over);
            let idle = |s: &Arc<EventStream>| !s.is_reply() && !s.is_read();
            let oldest = oldest.or_else(|| self.streams.iter().position(idle));
            if (oldest.is_some() || self.streams.len() >= MAX_STREAMS)
                && let Some(oldest) = self.streams.remove(oldest.unwrap_or(0))
            {
                oldest.end();
            }
        }
        self.last_stream += 1;
        let stream = EventStream::new(self.last_stream, reply_to);
        self.streams.push_back(Arc::clone(&stream));
        stream
    }
}

/// A request under way.
pub(crate) struct Running {
    session: Arc<Session>,
    id: String,
    /// Cancelled by the client, or with the session.
    pub(crate) cancel: CancellationToken,
}

impl Running {
    /// What `work` comes to; nothing once the request is cancelled, which has no reply
    /// then (basic/utilities/cancellation). Work that outlives it is work for nobody.
    pub(crate) async fn reply(&self, work: impl Future<Output = Vec<u8>>) -> Option<Vec<u8>> {
        let _dropped = self.cancel.clone().drop_guard();
        let reply = self.cancel.run_until_cancelled(work).await;
        // It prefers work that ends to a cancellation that came before.
        reply.filter(|_| !self.cancel.is_cancelled())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.session.state().running.remove(&self.id);
    }
}

/// After that, nothing of a session is kept but what its id says.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// Longer than a client waits before it asks again.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);
/// In memory; one person's client opens one or two.
const MAX_OF_ONE_OWNER: usize = 64;
/// Of one session: some listeners, and replies to calls that tell or ask something.
const MAX_STREAMS: usize = 32;
/// Of one session, for who comes back; beyond it one goes for each that comes.
const MAX_STREAM_BYTES: usize = 4 << 20;
/// How often what nobody uses is looked for.
const SWEEP: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use crate::mcp::stream::Reader;
    use crate::principal::Rights;
    use crate::state::HostKey;

    fn sessions() -> (Sessions, crate::clock::ManualClock) {
        let (clock, hand) = Clock::manual(Timestamp(1_800_000_000_000));
        let secrets = Secrets::new(&HostKey::random().unwrap(), Entropy::system());
        (Sessions::new(secrets, clock, "claude"), hand)
    }

    fn ana() -> Principal {
        Principal {
            subject: "ana".to_owned(),
            client: "c".to_owned(),
            rights: Rights::READ,
            claims: std::collections::BTreeMap::new(),
        }
    }

    fn begin(sessions: &Sessions, owner: Option<&Principal>) -> Arc<Session> {
        let session = sessions.begin(Revision::V2025_11_25, Abilities::NONE, owner, 0);
        session.unwrap()
    }

    #[test]
    fn a_session_is_found_by_its_owner_until_it_is_ended() {
        let (sessions, _) = sessions();
        let ana = ana();
        let session = begin(&sessions, Some(&ana));
        let id = session.id().to_owned();
        assert!(Arc::ptr_eq(
            &sessions.find(&id, Some(&ana), 0).unwrap(),
            &session
        ));
        assert!(sessions.find(&id, None, 0).is_none());
        assert!(!sessions.end(&id, None));
        let running = session.run("1").unwrap();
        assert!(sessions.end(&id, Some(&ana)));
        assert!(running.cancel.is_cancelled());
        assert!(!sessions.end(&id, Some(&ana)));
        assert!(sessions.find(&id, Some(&ana), 0).is_none());
    }

    #[test]
    fn a_session_that_was_forgotten_goes_on() {
        let (sessions, hand) = sessions();
        let id = begin(&sessions, None).id().to_owned();
        hand.advance(IDLE);
        begin(&sessions, None);
        assert_eq!(sessions.len(), 1);
        let again = sessions.find(&id, None, 7).unwrap();
        assert_eq!(again.revision(), Revision::V2025_11_25);
    }

    #[test]
    fn who_has_many_sessions_loses_the_idlest_from_memory() {
        let (sessions, hand) = sessions();
        let ana = ana();
        let used = begin(&sessions, Some(&ana));
        let stream = used.listen();
        let _reader = stream.read(0);
        let others = begin(&sessions, None);
        for _ in 0..2 * MAX_OF_ONE_OWNER {
            hand.advance(Duration::from_secs(1));
            begin(&sessions, Some(&ana));
        }
        assert_eq!(sessions.len(), MAX_OF_ONE_OWNER + 1);
        for kept in [used, others] {
            assert!(sessions.live().sessions.contains_key(kept.id()));
        }
    }

    #[test]
    fn a_request_is_cancelled_by_its_id_and_known_while_it_runs() {
        let (sessions, _) = sessions();
        let session = begin(&sessions, None);
        let running = session.run("\"a\"").unwrap();
        assert!(session.run("\"a\"").is_none());
        session.cancel("\"b\"");
        assert!(!running.cancel.is_cancelled());
        session.cancel("\"a\"");
        assert!(running.cancel.is_cancelled());
        drop(running);
        assert!(session.run("\"a\"").is_some());
    }

    #[test]
    fn a_change_is_told_once_to_the_newest_listener_that_is_there() {
        let (sessions, _) = sessions();
        let session = begin(&sessions, None);
        let heard = |reader: &mut Reader| {
            let event = futures_util::FutureExt::now_or_never(reader.next()).flatten();
            event.map(|event| event.message)
        };
        // Nobody listens yet: the next who does is told.
        session.announce(1, "one");
        let [mut first, mut second] = [session.listen(), session.listen()].map(|s| s.read(0));
        session.announce(1, "one");
        session.announce(1, "one");
        assert_eq!(heard(&mut first), None);
        assert_eq!(heard(&mut second).unwrap(), "one");
        assert_eq!(heard(&mut second), None);
        drop(second);
        session.announce(2, "two");
        assert_eq!(heard(&mut first).unwrap(), "two");
    }

    #[test]
    fn streams_are_kept_until_they_are_many() {
        let (sessions, _) = sessions();
        let session = begin(&sessions, None);
        let id = RawValue::from_string("1".to_owned()).unwrap();
        let first = session.open(&id);
        first.push("x");
        let event = EventId {
            stream: first.id(),
            number: 1,
            reply_to: Some("1".into()),
        };
        assert!(session.stream_of(&event).is_some());
        let unlike = EventId {
            reply_to: None,
            ..event.clone()
        };
        assert!(session.stream_of(&unlike).is_none());
        for _ in 1..MAX_STREAMS {
            session.listen();
        }
        // What waits for its reply stays as long as anything else can go.
        session.listen();
        assert!(!first.has_ended());
        first.end();
        session.listen();
        assert!(session.stream_of(&event).is_none());
    }
}
