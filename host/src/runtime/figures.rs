//! What is counted of calls: handles that are found once, when a tool set is loaded,
//! so that a call only adds.

use std::collections::HashMap;
use std::time::Duration;

use metrics::{Counter, Histogram, Label};

use super::tool_set::ToolSetScope;
use crate::audit::is_refusal;
use crate::tools::{Bill, Manifest};

/// The figures of a tool set in a scope.
pub(super) struct Figures {
    labels: [Label; 2],
    tools: HashMap<String, OfTool>,
}

/// Of one tool, or of what else a tool set is asked for.
struct OfTool {
    labels: Vec<Label>,
    done: Ended,
    cpu: Histogram,
    queue: Histogram,
    database: Histogram,
    instantiation: Histogram,
    memory: Histogram,
    rows: Counter,
    bytes: Counter,
}

/// Calls that ended in one way.
struct Ended {
    count: Counter,
    took: Histogram,
}

impl Figures {
    /// For the tools of `manifest`; for others they are found when they are called.
    pub(super) fn new(scope: &ToolSetScope, manifest: &Manifest) -> Self {
        let labels = [
            Label::new("scope", scope.scope.to_string()),
            Label::new("tool_set", scope.tool_set.clone()),
        ];
        let tools = manifest.tools.iter();
        let tools = tools.map(|tool| (tool.name.clone(), OfTool::new(&labels, &tool.name)));
        Self {
            tools: tools.collect(),
            labels,
        }
    }

    /// Adds a call of `what` that ended so.
    pub(super) fn add(&self, what: &str, status: &'static str, took: Duration, bill: &Bill) {
        match self.tools.get(what) {
            Some(tool) => tool.add(status, took, bill),
            None => OfTool::new(&self.labels, what).add(status, took, bill),
        }
        if is_refusal(status) {
            let [scope, _] = &self.labels;
            let code = Label::from_static_parts("code", status);
            metrics::counter!("refusals_total", vec![scope.clone(), code]).increment(1);
        }
    }
}

impl OfTool {
    fn new(tool_set: &[Label; 2], name: &str) -> Self {
        let mut labels = tool_set.to_vec();
        labels.push(Label::new("tool_name", name.to_owned()));
        // It begins at 0, or the first crash could not be seen as a change.
        drop(Ended::new(&labels, "crashed"));
        Self {
            done: Ended::new(&labels, "ok"),
            cpu: metrics::histogram!("tool_cpu_seconds", labels.clone()),
            queue: metrics::histogram!("tool_queue_seconds", labels.clone()),
            database: metrics::histogram!("tool_database_seconds", labels.clone()),
            instantiation: metrics::histogram!("tool_instantiation_seconds", labels.clone()),
            memory: metrics::histogram!("tool_memory_bytes", labels.clone()),
            rows: metrics::counter!("tool_rows_total", labels.clone()),
            bytes: metrics::counter!("tool_bytes_total", labels.clone()),
            labels,
        }
    }

    fn add(&self, status: &'static str, took: Duration, bill: &Bill) {
        if status == "ok" {
            self.done.add(took);
        } else {
            Ended::new(&self.labels, status).add(took);
        }
        let seconds = Duration::from_micros;
        self.cpu.record(seconds(bill.cpu_us));
        self.queue.record(seconds(bill.queue_us));
        self.database.record(seconds(bill.database_us));
        self.instantiation.record(seconds(bill.instantiation_us));
        #[expect(
            clippy::cast_precision_loss,
            reason = "a histogram needs no more digits"
        )]
        self.memory.record(bill.memory_bytes as f64);
        self.rows.increment(bill.rows);
        self.bytes.increment(bill.bytes);
    }
}

impl Ended {
    fn new(labels: &[Label], status: &'static str) -> Self {
        let mut labels = labels.to_vec();
        labels.push(Label::from_static_parts("status", status));
        Self {
            count: metrics::counter!("tool_executions_total", labels.clone()),
            took: metrics::histogram!("tool_execution_seconds", labels.clone()),
        }
    }

    fn add(&self, took: Duration) {
        self.count.increment(1);
        self.took.record(took);
    }
}
