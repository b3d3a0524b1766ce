//! Events on their way to one client: kept until they are too many, so that a
//! reader who was cut off can go on where it was.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::jsonrpc::is_id;

/// One stream of a session. One reader at a time: a newer one ends the older.
pub(crate) struct EventStream {
    id: u64,
    reply_to: Option<Arc<str>>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The newest, with the numbers up to `next`.
    events: VecDeque<Kept>,
    bytes: usize,
    next: u64,
    /// Up to this number they were handed to a reader.
    delivered: u64,
    ended: bool,
    /// The reader that is served; those before it are over.
    reader: u64,
    is_read: bool,
}

struct Kept {
    message: Bytes,
    /// Nobody waits for it.
    may_go: bool,
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// For `Last-Event-ID`.
    pub(crate) id: EventId,
    /// One encoded message.
    pub(crate) message: Bytes,
}

/// Place of an event: its stream, and its number there from 1. Written as
/// `STREAM-NUMBER`; on the stream of a reply the request's id follows, in base64, so
/// that who comes back for a reply that is lost can be told so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) stream: u64,
    pub(crate) number: u64,
    /// The id of the request, as it was spelled.
    pub(crate) reply_to: Option<Arc<str>>,
}

/// Reads a stream from some event on.
pub(crate) struct Reader {
    stream: Arc<EventStream>,
    generation: u64,
    /// How many events it is past.
    read: u64,
}

impl EventStream {
    /// Carries the reply to a request, or what belongs to none.
    pub(crate) fn new(id: u64, reply_to: Option<&RawValue>) -> Arc<Self> {
        let reply_to = reply_to.map(|id| match id.get() {
            long if long.len() > MAX_ID_BYTES => "null",
            id => id,
        });
        Arc::new(Self {
            id,
            reply_to: reply_to.map(Arc::from),
            state: Mutex::default(),
            changed: Notify::new(),
        })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Whether it is the stream of a reply.
    pub(crate) fn is_reply(&self) -> bool {
        self.reply_to.is_some()
    }

    /// Appends a message that somebody waits for; whether it can still be delivered.
    /// A stream that nobody reads in time ends: its client is to notice.
    pub(crate) fn push(&self, message: impl Into<Bytes>) -> bool {
        self.add(message.into(), false)
    }

    /// Appends a message that may go when it becomes too much.
    pub(crate) fn tell(&self, message: Bytes) -> bool {
        self.add(message, true)
    }

    fn add(&self, message: Bytes, may_go: bool) -> bool {
        self.with(|state| {
            if state.ended {
                return false;
            }
            state.bytes += message.len();
            state.events.push_back(Kept { message, may_go });
            state.next += 1;
            state.trim();
            state.ended = state.bytes > MAX_UNREAD_BYTES && state.events.len() > 1;
            !state.ended
        })
    }

    /// Bytes that are kept.
    pub(crate) fn bytes(&self) -> usize {
        self.with_quietly(|state| state.bytes)
    }

    /// There will be no more.
    pub(crate) fn end(&self) {
        self.with(|state| state.ended = true);
    }

    /// Whether nothing more comes.
    pub(crate) fn has_ended(&self) -> bool {
        self.with_quietly(|state| state.ended)
    }

    /// Whether somebody is reading.
    pub(crate) fn is_read(&self) -> bool {
        self.with_quietly(|state| state.is_read)
    }

    /// Reads what follows event number `after`, as far as it is kept.
    pub(crate) fn read(self: &Arc<Self>, after: u64) -> Reader {
        let generation = self.with(|state| {
            state.reader += 1;
            state.is_read = true;
            state.reader
        });
        Reader {
            stream: Arc::clone(self),
            generation,
            read: after,
        }
    }

    fn place(&self, number: u64) -> EventId {
        EventId {
            stream: self.id,
            number,
            reply_to: self.reply_to.clone(),
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let done = self.with_quietly(f);
        self.changed.notify_waiters();
        done
    }

    fn with_quietly<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Lets go of what is oldest, as far as it was delivered or may go.
    fn trim(&mut self) {
        while self.events.len() > 1 && (self.events.len() > MAX_EVENTS || self.bytes > MAX_BYTES) {
            let oldest = self.next - self.events.len() as u64 + 1;
            let delivered = oldest <= self.delivered;
            let gone = self.events.pop_front_if(|kept| kept.may_go || delivered);
            let Some(gone) = gone else {
                return;
            };
            self.bytes -= gone.message.len();
        }
    }
}

impl Reader {
    /// The last event that it is past; number 0 at the start.
    pub(crate) fn place(&self) -> EventId {
        self.stream.place(self.read)
    }

    /// The next event; `None` at the end, or when another reads instead.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let stream = Arc::clone(&self.stream);
            let changed = stream.changed.notified();
            tokio::pin!(changed);
            // Before the look, or what comes between the two would be missed.
            changed.as_mut().enable();
            let looked = stream.with_quietly(|state| self.look(state));
            match looked {
                Looked::Event(event) => return Some(event),
                Looked::End => return None,
                Looked::Nothing => changed.await,
            }
        }
    }

    fn look(&mut self, state: &mut State) -> Looked {
        if state.reader != self.generation {
            return Looked::End;
        }
        let first = state.next - state.events.len() as u64;
        self.read = self.read.clamp(first, state.next);
        let place = usize::try_from(self.read - first).unwrap_or(usize::MAX);
        match state.events.get(place) {
            Some(kept) => {
                self.read += 1;
                state.delivered = state.delivered.max(self.read);
                Looked::Event(Event {
                    id: self.stream.place(self.read),
                    message: kept.message.clone(),
                })
            }
            None if state.ended => Looked::End,
            None => Looked::Nothing,
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let generation = self.generation;
        self.stream.with_quietly(|state| {
            if state.reader == generation {
                state.is_read = false;
            }
        });
    }
}

enum Looked {
    Event(Event),
    End,
    Nothing,
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.stream, self.number)?;
        match &self.reply_to {
            Some(id) => write!(f, "-{}", URL_SAFE_NO_PAD.encode(&**id)),
            None => Ok(()),
        }
    }
}

/// Not an id that this host made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event id of this server")]
pub(crate) struct NotAnEventId;

impl std::str::FromStr for EventId {
    type Err = NotAnEventId;

    fn from_str(text: &str) -> Result<Self, NotAnEventId> {
        let mut parts = text.splitn(3, '-');
        let mut number = || parts.next()?.parse().ok();
        let (stream, number) = number().zip(number()).ok_or(NotAnEventId)?;
        let reply_to = parts.next().map(|encoded| {
            let id = URL_SAFE_NO_PAD.decode(encoded).ok()?;
            let id = String::from_utf8(id).ok()?;
            // It goes into a reply as it is.
            let id = RawValue::from_string(id).ok()?;
            (is_id(&id) || id.get() == "null").then(|| Arc::from(id.get()))
        });
        Ok(Self {
            stream,
            number,
            reply_to: reply_to.map(|id| id.ok_or(NotAnEventId)).transpose()?,
        })
    }
}

/// Progress of a long call, and its reply.
const MAX_EVENTS: usize = 256;
/// What was delivered is kept for who comes back.
const MAX_BYTES: usize = 512 << 10;
/// What is yet to be delivered: some results of the largest size. The newest is kept
/// whatever its size.
const MAX_UNREAD_BYTES: usize = 32 << 20;
/// Ids that are longer are not told back.
const MAX_ID_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn now(reader: &mut Reader) -> Option<Option<String>> {
        let next = reader.next().now_or_never()?;
        Some(next.map(|event| format!("{} {}", event.id, String::from_utf8_lossy(&event.message))))
    }

    fn got(text: &str) -> Option<Option<String>> {
        Some(Some(text.to_owned()))
    }

    #[tokio::test]
    async fn a_reader_gets_what_was_pushed_and_what_will_be() {
        let stream = EventStream::new(3, None);
        stream.push("a");
        let mut reader = stream.read(0);
        assert_eq!(now(&mut reader), got("3-1 a"));
        assert_eq!(now(&mut reader), None);
        let waiting = tokio::spawn(async move { (reader.next().await, reader) });
        tokio::task::yield_now().await;
        stream.push("b");
        let (event, mut reader) = waiting.await.unwrap();
        assert_eq!(event.unwrap().message, "b");
        stream.push("c");
        stream.end();
        assert_eq!(now(&mut reader), got("3-3 c"));
        assert_eq!(now(&mut reader), Some(None));
    }

    #[test]
    fn a_new_reader_goes_on_where_it_says_and_ends_the_old_one() {
        let stream = EventStream::new(1, None);
        let mut old = stream.read(0);
        for message in ["a", "b", "c"] {
            stream.push(message);
        }
        assert_eq!(now(&mut old), got("1-1 a"));
        let mut new = stream.read(1);
        assert_eq!(now(&mut old), Some(None));
        drop(old);
        assert!(stream.is_read());
        assert_eq!(now(&mut new), got("1-2 b"));
        drop(new);
        assert!(!stream.is_read());
        assert_eq!(now(&mut stream.read(u64::MAX)), None);
    }

    #[test]
    fn what_is_oldest_goes_and_the_newest_stays_whatever_its_size() {
        let stream = EventStream::new(1, None);
        for _ in 0..MAX_EVENTS + 2 {
            assert!(stream.tell("x".into()));
        }
        assert_eq!(now(&mut stream.read(0)), got("1-3 x"));
        assert!(stream.tell("y".repeat(MAX_BYTES + 1).into()));
        let mut reader = stream.read(0);
        let large = reader.next().now_or_never().flatten().unwrap();
        assert_eq!(large.id.number, MAX_EVENTS as u64 + 3);
        assert_eq!(now(&mut reader), None);
    }

    #[test]
    fn what_somebody_waits_for_stays_until_it_was_delivered() {
        let stream = EventStream::new(1, None);
        for _ in 0..3 {
            assert!(stream.push("z".repeat(MAX_BYTES)));
        }
        let mut reader = stream.read(0);
        for number in 1..=3 {
            let event = reader.next().now_or_never().flatten().unwrap();
            assert_eq!(event.id.number, number);
        }
        stream.push("last");
        let mut again = stream.read(0);
        let event = again.next().now_or_never().flatten().unwrap();
        assert_eq!(event.id.number, 4, "what was delivered is gone");
    }

    #[test]
    fn a_stream_that_nobody_reads_ends() {
        let stream = EventStream::new(1, None);
        let large = Bytes::from("z".repeat(MAX_UNREAD_BYTES / 2));
        assert!(stream.push(large.clone()));
        assert!(stream.push(large.clone()));
        assert!(!stream.push(large));
        assert!(stream.has_ended());
        assert!(!stream.push("x"));
    }

    #[test]
    fn ids_are_read_as_they_are_written() {
        for reply_to in [None, Some("7"), Some("\"a-b\"")] {
            let id = EventId {
                stream: 12,
                number: 34,
                reply_to: reply_to.map(Arc::from),
            };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        // The last is of an object.
        for text in ["", "-", "1", "1-", "-1", "1-2-3", "a-1", "1-2-e30"] {
            assert_eq!(text.parse::<EventId>(), Err(NotAnEventId), "{text}");
        }
    }
}
