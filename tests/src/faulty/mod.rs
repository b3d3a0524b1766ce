//! A relay in front of the embedded SQL Server that breaks the protocol where a
//! test says so: in the handshake, or in the reply to a statement that holds
//! [`MARK`]. Everything else passes as it is.

mod relay;
mod script;
pub mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// Statements that have this word in them meet the fault.
pub const MARK: &str = "faulty";

/// What is broken.
#[derive(Debug, Clone, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Connections are closed as they come.
    Refuse,
    /// Connections are taken, and nothing is ever said.
    Mute,
    /// The connection is closed when this message comes.
    CloseAt(Stage),
    /// The reply to this message comes this much later.
    DelayAt(Stage, Duration),
    /// This message is answered with these steps.
    AnswerAt(Stage, Vec<Step>),
    /// PRELOGIN says that there is no TLS.
    NoTls,
    /// Every reply, those of the handshake too, comes in packets of one byte, each
    /// byte in a segment of its own.
    SplitAll,
    /// Marked statements are answered with these steps.
    Script(Vec<Step>),
    /// The reply to marked statements comes changed.
    Reply(Change),
}

/// A message of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// PRELOGIN
    PreLogin,
    /// The first of TLS inside PRELOGIN packets
    Tls,
    /// LOGIN7
    LogIn,
    /// The first batch, with which a connection is set up
    SetUp,
    /// TM_COMMIT_XACT, with which a change is made final
    Commit,
}

/// How a reply is changed on its way.
#[derive(Debug, Clone)]
pub enum Change {
    /// In packets of so many bytes, each byte in a segment of its own.
    Split(usize),
    /// So many bytes of it, headers included; then the connection is closed.
    Cut(usize),
    /// Some of its bytes are others, chosen by this seed.
    Garble(u64),
    /// All of it so much later.
    Delay(Duration),
}

/// A part of an answer that the relay gives in place of the server.
#[derive(Debug, Clone)]
pub enum Step {
    /// Tokens, in packets.
    Tokens(Vec<u8>),
    /// Bytes as they are.
    Raw(Vec<u8>),
    /// Tokens so many times.
    Times(Vec<u8>, u64),
    /// Tokens over and over, until the client has enough.
    Endless(Vec<u8>),
    /// Nothing, until the client has enough.
    Wait,
    /// Nothing for a while.
    Pause(Duration),
    /// From here on Attention is not answered.
    Deaf,
    /// The end of the reply is missing and the connection closed.
    Close,
    /// The reply ends here, without the DONE that is put behind others.
    End,
}

/// What went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections of the client that are open.
    pub open: usize,
    /// Connections so far.
    pub connections: usize,
    /// Attentions so far.
    pub attentions: usize,
    /// Bytes that the client took of scripted answers.
    pub scripted: u64,
    /// Bytes of the longest reply to a marked statement.
    pub longest: usize,
}

/// The running relay; stops when dropped.
pub struct Faulty {
    address: SocketAddr,
    shared: Arc<Shared>,
    _serving: AbortOnDropHandle<()>,
}

struct Shared {
    server: SocketAddr,
    fault: watch::Sender<Fault>,
    /// Changes where every connection is to be closed.
    hang_up: watch::Sender<()>,
    counts: watch::Sender<Counts>,
}

impl Faulty {
    /// On a port of its own, in front of `server`.
    pub async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            server,
            fault: watch::Sender::default(),
            hang_up: watch::Sender::default(),
            counts: watch::Sender::default(),
        });
        let serving = tokio::spawn(relay::serve(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks what comes from now on; connections that are open stay.
    pub fn set(&self, fault: Fault) {
        self.shared.fault.send_replace(fault);
    }

    /// Closes every connection.
    pub fn hang_up(&self) {
        self.shared.hang_up.send_replace(());
    }

    /// What went through so far.
    pub fn counts(&self) -> Counts {
        *self.shared.counts.borrow()
    }

    /// Waits until what went through is as `wanted`.
    pub async fn until(&self, wanted: impl Fn(&Counts) -> bool) -> Counts {
        let mut counts = self.shared.counts.subscribe();
        let wait = counts.wait_for(wanted);
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(counts) => *counts.expect("a relay that runs"),
            Err(_) => panic!("{:?}", self.counts()),
        }
    }
}

impl Shared {
    fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(change);
    }
}

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
