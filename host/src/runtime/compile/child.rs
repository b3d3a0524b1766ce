//! Compiling in a process of its own. Time and memory that a compiler takes are
//! no vulnerability to its authors, so the operating system holds the limits, and
//! what the process says is believed only as far as its code runs at all: it is
//! this very program.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::CompileLimits;
use crate::runtime::engine::{Reservation, compiling_engine};
use crate::runtime::error::LoadError;

/// The argument that makes this program a compiler: the component on standard
/// input, native code on standard output, a sentence on standard error.
pub const COMPILE_COMMAND: &str = "compile-component";

/// Compiles `wasm` in a child made from `program`.
pub(super) async fn compile(
    program: &Path,
    reservation: Reservation,
    wasm: &[u8],
    limits: CompileLimits,
) -> Result<Vec<u8>, LoadError> {
    let lost = |error: io::Error| {
        LoadError::Compiler(format!("{} cannot compile: {error}", program.display()))
    };
    let mut command = Command::new(program);
    command
        .arg(COMPILE_COMMAND)
        .arg(reservation.unwrap_or_default().to_string())
        .arg(limits.cpu.as_secs().max(1).to_string())
        .arg(limits.memory.to_string())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(lost)?;
    let (Some(mut input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(LoadError::Compiler("the child has no pipes".to_owned()));
    };
    let mut said = Vec::new();
    let mut errors = errors.take(MAX_SAID);
    let work = async {
        let send = async {
            // A child that gave up early closes it; its exit says why.
            let _ = input.write_all(wasm).await;
            drop(input);
            Ok::<(), LoadError>(())
        };
        let listen = async {
            // Who says more is listened to, or it would wait for ever.
            if errors.read_to_end(&mut said).await.is_ok() {
                let _ = tokio::io::copy(errors.get_mut(), &mut tokio::io::sink()).await;
            }
            Ok::<(), LoadError>(())
        };
        let take = async {
            let native = up_to(MAX_NATIVE, output).await.map_err(lost)?;
            native.ok_or_else(|| LoadError::Unfit(TOO_MUCH.to_owned()))
        };
        // With too much of it this ends at once, and the child with it.
        let ((), (), native) = tokio::try_join!(send, listen, take)?;
        let status = child.wait().await.map_err(lost)?;
        Ok::<_, LoadError>((status, native))
    };
    // It counts CPU; whoever stops without using any is stopped by time.
    let (status, native) = tokio::time::timeout(limits.cpu * WALL_TO_CPU, work)
        .await
        .map_err(|_| LoadError::CompileTime(limits.cpu))??;
    if status.success() {
        return Ok(native);
    }
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Err(failure(status, said, limits))
}

/// All that comes, unless it is more than `most` bytes.
async fn up_to(most: u64, output: impl AsyncRead + Unpin) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut output = output.take(most.saturating_add(1));
    output.read_to_end(&mut bytes).await?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok((length <= most).then_some(bytes))
}

/// Why a child that wrote `said` ended in such a way.
fn failure(status: ExitStatus, said: String, limits: CompileLimits) -> LoadError {
    match status.code() {
        Some(code) if code == i32::from(REFUSED) => LoadError::NotAComponent(said),
        Some(_) => LoadError::Compiler(said),
        None if said.contains("memory allocation") => LoadError::CompileMemory(limits.memory),
        None => stopped(status, &said, limits),
    }
}

/// By a signal, which tells who sent it: this process kills no child that it waits for.
#[cfg(unix)]
fn stopped(status: ExitStatus, said: &str, limits: CompileLimits) -> LoadError {
    use std::os::unix::process::ExitStatusExt;

    use rustix::process::Signal;

    let signal = status.signal();
    if signal == Some(Signal::XCPU.as_raw()) {
        LoadError::CompileTime(limits.cpu)
    } else if signal == Some(Signal::KILL.as_raw()) {
        LoadError::Compiler(KILLED.to_owned())
    } else {
        LoadError::Compiler(format!("it ended by {status} {said}").trim_end().to_owned())
    }
}

#[cfg(not(unix))]
fn stopped(status: ExitStatus, said: &str, _: CompileLimits) -> LoadError {
    LoadError::Compiler(format!("it ended by {status} {said}").trim_end().to_owned())
}

/// What the child does, with the arguments after [`COMPILE_COMMAND`]. Gives the
/// code for the process to exit with.
pub fn compile_here(mut arguments: impl Iterator<Item = String>) -> u8 {
    let mut number = || arguments.next()?.parse::<u64>().ok();
    let (Some(reservation), Some(cpu), Some(memory)) = (number(), number(), number()) else {
        return fail(USAGE, "this command is for the program itself");
    };
    if let Err(error) = limit(cpu, memory) {
        return fail(USAGE, &format!("the limits cannot be set: {error}"));
    }
    let mut wasm = Vec::new();
    if let Err(error) = io::stdin().lock().read_to_end(&mut wasm) {
        return fail(USAGE, &error.to_string());
    }
    let reservation = (reservation > 0).then_some(reservation);
    match native_code(&wasm, reservation) {
        Ok(native) => match io::stdout().lock().write_all(&native) {
            Ok(()) => 0,
            Err(error) => fail(USAGE, &error.to_string()),
        },
        Err(LoadError::NotAComponent(reason)) => fail(REFUSED, &reason),
        Err(error) => fail(USAGE, &error.to_string()),
    }
}

fn fail(code: u8, sentence: &str) -> u8 {
    let _ = writeln!(io::stderr(), "{sentence}");
    code
}

/// Native code of the component `wasm`.
pub(super) fn native_code(wasm: &[u8], reservation: Reservation) -> Result<Vec<u8>, LoadError> {
    let engine =
        compiling_engine(reservation).map_err(|error| LoadError::Compiler(format!("{error:#}")))?;
    engine
        .precompile_component(wasm)
        .map_err(|error| LoadError::NotAComponent(format!("{error:#}")))
}

/// What this process may use from now on: `cpu` in seconds, `memory` in bytes of
/// address space. It gives way to whatever serves.
#[cfg(unix)]
fn limit(cpu: u64, memory: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    be_ended_first();
    for (resource, current, maximum) in [
        // At the first the kernel says why it ends the process, at the second it does not.
        (Resource::Cpu, cpu, cpu.saturating_add(1)),
        (Resource::As, memory, memory),
        (Resource::Core, 0, 0),
        (Resource::Fsize, 0, 0),
    ] {
        let limit = Rlimit {
            current: Some(current),
            maximum: Some(maximum),
        };
        setrlimit(resource, limit)?;
    }
    rustix::process::nice(NICE)?;
    wait_for_idle();
    Ok(())
}

/// Where memory runs out Linux ends this process, and not the one that serves: the limit
/// of address space may be more than a small container has.
#[cfg(target_os = "linux")]
fn be_ended_first() {
    // Where that may not be written, the larger of the two is ended.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

#[cfg(all(unix, not(target_os = "linux")))]
fn be_ended_first() {}

/// On Linux whatever serves takes the processor from it at once. With a nice value alone
/// a call waits for the compiler's turn to end: 200 calls a second of JavaScript had a p99
/// of 79 ms beside reloads, and of 21 ms this way.
#[cfg(target_os = "linux")]
fn wait_for_idle() {
    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
        set_thread_priority_and_policy, thread_native_id,
    };

    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    // Where that may not be done there is still the nice value.
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
}

#[cfg(all(unix, not(target_os = "linux")))]
fn wait_for_idle() {}

/// Elsewhere time alone is limited, by whoever waits.
#[cfg(not(unix))]
fn limit(_cpu: u64, _memory: u64) -> io::Result<()> {
    Ok(())
}

/// The file is at fault.
const REFUSED: u8 = 1;
/// The process is.
const USAGE: u8 = 64;
/// Bytes of code: ten times what 18 MB of Python become.
const MAX_NATIVE: u64 = 512 << 20;
/// Of one that has more.
const TOO_MUCH: &str = "it becomes more than 512 MiB of native code; build it smaller";
/// Of a child that got SIGKILL.
#[cfg(unix)]
const KILLED: &str = "it was killed, most likely for lack of memory; give the machine or the \
                      container more, or build the file smaller";
/// Bytes of a sentence that are read.
const MAX_SAID: u64 = 4 << 10;
/// Waiting counts too: a machine under load gives the child what is left over.
pub(crate) const WALL_TO_CPU: u32 = 10;
/// Below those that serve, above hogs.
#[cfg(unix)]
const NICE: i32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn code_without_end_is_given_up_when_it_is_too_much() {
        let endless = tokio::io::repeat(7);
        assert_eq!(up_to(1_000, endless).await.unwrap(), None);
        let code = [7; 1_000];
        assert_eq!(up_to(1_000, &code[..]).await.unwrap(), Some(code.to_vec()));
        assert_eq!(up_to(999, &code[..]).await.unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn who_ended_the_child_is_told_apart() {
        use std::os::unix::process::ExitStatusExt;

        use rustix::process::Signal;

        let ended = |wait: i32, said: &str| {
            let status = ExitStatus::from_raw(wait);
            failure(status, said.to_owned(), CompileLimits::default()).to_string()
        };
        let exit = |code: u8| i32::from(code) << 8;
        for (wait, said, sentence) in [
            (
                exit(REFUSED),
                "no magic",
                "not a WebAssembly component: no magic",
            ),
            (exit(USAGE), "no way", "the compiler failed: no way"),
            (
                Signal::XCPU.as_raw(),
                "",
                "compiling it takes more than 60s; build it smaller",
            ),
            (
                Signal::KILL.as_raw(),
                "",
                "the compiler failed: it was killed, most likely for lack of memory",
            ),
            (
                Signal::ABORT.as_raw(),
                "memory allocation of 9 bytes failed",
                "compiling it takes more than ",
            ),
            (
                Signal::SEGV.as_raw(),
                "last words",
                "the compiler failed: it ended by signal: 11 (SIGSEGV) last words",
            ),
        ] {
            let told = ended(wait, said);
            assert!(told.starts_with(sentence), "{told}");
        }
    }
}
