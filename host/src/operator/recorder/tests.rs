use super::*;
use crate::audit::{Audit, Call, Figures};
use crate::operator::site::{DatabaseState, Guests, Pool};

fn scope(name: &str) -> ScopeState {
    ScopeState {
        name: name.to_owned(),
        up: true,
        read_only: true,
        tools: 1,
        databases: vec![DatabaseState {
            label: "sales".to_owned(),
            pool: Pool {
                used: 3,
                waiting: 0,
                max: 10,
            },
        }],
        guests: Guests {
            running: 2,
            waiting: 0,
            places: 16,
        },
    }
}

fn call(outcome: Outcome, wall_us: u64, code: Option<&'static str>) -> Entry {
    let figures = Figures {
        wall_us,
        ..Figures::default()
    };
    Entry {
        scope: Some("claude".into()),
        subject: Some("ana".to_owned()),
        code: code.map(Into::into),
        call: Some(Box::new(Call {
            tool: "execute_sql".to_owned(),
            figures: Some(figures),
            ..Call::default()
        })),
        ..Entry::new(Event::ToolCall, outcome)
    }
}

fn recorder() -> (Arc<Recorder>, Audit) {
    let (clock, _) = Clock::manual(Timestamp(1_000));
    let recorder = Recorder::new(clock.clone());
    let audit = Audit::new(clock, None);
    audit.observe(Arc::clone(&recorder) as Arc<dyn Observer>);
    (recorder, audit)
}

#[tokio::test]
async fn calls_become_figures_of_their_scope() {
    let (recorder, audit) = recorder();
    let claude = audit.scope("claude");
    for time in [1_000, 2_000, 3_000] {
        claude.record_call(call(Outcome::Ok, time, None)).await;
    }
    let refused = call(Outcome::Refused, 10, Some("table-not-allowed"));
    claude.record_call(refused).await;
    recorder.sample(&[scope("chatgpt"), scope("claude")]);
    recorder.sample(&[scope("chatgpt"), scope("claude")]);

    let samples = recorder.samples(0);
    let claude = &samples[0].points["claude"];
    assert_eq!((claude.calls, claude.errors), (4, 1));
    assert!((1_000..1_200).contains(&claude.p50.unwrap()), "{claude:?}");
    assert!((3_000..3_400).contains(&claude.p99.unwrap()), "{claude:?}");
    assert_eq!((claude.guests, claude.connections), (2, 3));
    assert_eq!(samples[0].points["chatgpt"].p50, None);
    // What was counted is not counted again.
    assert_eq!(samples[1].points["claude"].calls, 0);
    assert_eq!(recorder.samples(1).len(), 1);
    let minute = recorder.minute("claude");
    assert_eq!((minute.calls, minute.errors), (4, 1));

    let refusals = recorder.refusals();
    assert_eq!(refusals.len(), 1);
    assert_eq!(refusals[0].code, "table-not-allowed");
    assert_eq!(
        (&*refusals[0].subject, &*refusals[0].tool),
        ("ana", "execute_sql")
    );
    let codes = recorder.codes();
    assert_eq!(codes, [("refused", "table-not-allowed".to_owned(), 1)]);
}

#[test]
fn nothing_grows_without_end() {
    let (recorder, audit) = recorder();
    for number in 0..1_000 {
        audit.record(Entry {
            code: Some(format!("code-{number}").into()),
            ..Entry::new(Event::Access, Outcome::Refused)
        });
        audit.record(Entry::new(Event::SignIn, Outcome::Done));
        recorder.sample(&[scope("claude")]);
    }
    assert_eq!(recorder.refusals().len(), LAST);
    assert_eq!(recorder.refusals()[0].code, "code-999");
    assert_eq!(recorder.happened().len(), LAST);
    assert_eq!(recorder.codes().len(), CODES);
    let samples = recorder.samples(0);
    assert_eq!(samples.len(), SAMPLES);
    assert_eq!(samples.last().unwrap().number, 1_000);
}

#[tokio::test]
async fn latencies_are_of_the_last_minute() {
    let (recorder, audit) = recorder();
    let claude = audit.scope("claude");
    claude.record_call(call(Outcome::Ok, 9_000_000, None)).await;
    recorder.sample(&[scope("claude")]);
    for _ in 0..MINUTE {
        claude.record_call(call(Outcome::Ok, 1_000, None)).await;
        recorder.sample(&[scope("claude")]);
    }
    let minute = recorder.minute("claude");
    assert_eq!(minute.calls, u64::try_from(MINUTE).unwrap());
    assert!(minute.p99.unwrap() < 1_200, "{minute:?}");
}
