//! A log that is measured instead of read.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Counts what is written, and passes errors on.
pub(super) struct Counting;

/// Where the lines of one level go.
pub(super) struct Counted {
    shown: bool,
}

/// Bytes that were logged so far, of a log that is counted.
pub fn logged() -> u64 {
    LOGGED.load(Ordering::Relaxed)
}

static LOGGED: AtomicU64 = AtomicU64::new(0);

impl<'a> MakeWriter<'a> for Counting {
    type Writer = Counted;

    fn make_writer(&'a self) -> Counted {
        Counted { shown: true }
    }

    fn make_writer_for(&'a self, of: &Metadata<'_>) -> Counted {
        Counted {
            // A guest may call anything an error.
            shown: *of.level() == Level::ERROR && of.target() != "guest",
        }
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        LOGGED.fetch_add(count, Ordering::Relaxed);
        if self.shown {
            io::stderr().write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
