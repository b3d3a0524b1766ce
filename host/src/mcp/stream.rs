//! Events on their way to one client: kept until they are too many, so that a
//! reader who was cut off can go on where it was.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

/// One stream of a session. One reader at a time: a newer one ends the older.
pub(crate) struct EventStream {
    id: u64,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The newest, with the numbers up to `next`.
    events: VecDeque<Bytes>,
    bytes: usize,
    next: u64,
    ended: bool,
    /// The reader that is served; those before it are over.
    reader: u64,
    is_read: bool,
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// `STREAM-NUMBER`, for `Last-Event-ID`.
    pub(crate) id: EventId,
    /// One encoded message.
    pub(crate) message: Bytes,
}

/// Place of an event: its stream, and its number there from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) stream: u64,
    pub(crate) number: u64,
}

/// Reads a stream from some event on.
pub(crate) struct Reader {
    stream: Arc<EventStream>,
    generation: u64,
    /// How many events it is past.
    read: u64,
}

impl EventStream {
    pub(crate) fn new(id: u64) -> Arc<Self> {
        Arc::new(Self {
            id,
            state: Mutex::default(),
            changed: Notify::new(),
        })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Appends a message. What is oldest goes when it becomes too much.
    pub(crate) fn push(&self, message: impl Into<Bytes>) {
        let message = message.into();
        self.with(|state| {
            state.bytes += message.len();
            state.events.push_back(message);
            state.next += 1;
            while state.events.len() > 1
                && (state.events.len() > MAX_EVENTS || state.bytes > MAX_BYTES)
            {
                let oldest = state.events.pop_front();
                state.bytes -= oldest.map_or(0, |oldest| oldest.len());
            }
        });
    }

    /// There will be no more.
    pub(crate) fn end(&self) {
        self.with(|state| state.ended = true);
    }

    #[cfg(test)]
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

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let done = self.with_quietly(f);
        self.changed.notify_waiters();
        done
    }

    fn with_quietly<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Reader {
    /// The last event that it is past; number 0 at the start.
    pub(crate) fn place(&self) -> EventId {
        EventId {
            stream: self.stream.id,
            number: self.read,
        }
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

    fn look(&mut self, state: &State) -> Looked {
        if state.reader != self.generation {
            return Looked::End;
        }
        let first = state.next - state.events.len() as u64;
        self.read = self.read.clamp(first, state.next);
        let place = usize::try_from(self.read - first).unwrap_or(usize::MAX);
        match state.events.get(place) {
            Some(message) => {
                self.read += 1;
                Looked::Event(Event {
                    id: EventId {
                        stream: self.stream.id,
                        number: self.read,
                    },
                    message: message.clone(),
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
        write!(f, "{}-{}", self.stream, self.number)
    }
}

/// Not an id that this host made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event id of this server")]
pub(crate) struct NotAnEventId;

impl std::str::FromStr for EventId {
    type Err = NotAnEventId;

    fn from_str(text: &str) -> Result<Self, NotAnEventId> {
        let (stream, number) = text.split_once('-').ok_or(NotAnEventId)?;
        let read = |text: &str| text.parse().map_err(|_| NotAnEventId);
        Ok(Self {
            stream: read(stream)?,
            number: read(number)?,
        })
    }
}

/// Progress of a long call, and its reply.
const MAX_EVENTS: usize = 256;
/// The newest is kept whatever its size.
const MAX_BYTES: usize = 512 << 10;

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
        let stream = EventStream::new(3);
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
        let stream = EventStream::new(1);
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
        let stream = EventStream::new(1);
        for _ in 0..MAX_EVENTS + 2 {
            stream.push("x");
        }
        assert_eq!(now(&mut stream.read(0)), got("1-3 x"));
        stream.push("y".repeat(MAX_BYTES + 1));
        let mut reader = stream.read(0);
        let large = reader.next().now_or_never().flatten().unwrap();
        assert_eq!(large.id.number, MAX_EVENTS as u64 + 3);
        assert_eq!(now(&mut reader), None);
    }

    #[test]
    fn ids_are_read_as_they_are_written() {
        let id = EventId {
            stream: 12,
            number: 34,
        };
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "-", "1", "1-", "-1", "1-2-3", "a-1"] {
            assert_eq!(text.parse::<EventId>(), Err(NotAnEventId), "{text}");
        }
    }
}
