//! What a scope's policy leaves of a table's description: no name of a table that is
//! kept back.

use super::shape::{Details, Name, Temporal};
use crate::database::policy::Standing;

impl Details {
    /// The same for those who are under the policy.
    pub(super) fn under(&self, standing: &Standing) -> Self {
        let mut details = self.clone();
        let (schema, table) = (&self.schema, &self.table);
        let tells = |text: &Option<String>| {
            text.as_deref()
                .is_some_and(|text| standing.tells_of_hidden(text))
        };
        for column in &mut details.columns {
            column.masked |= standing.is_masked(schema, table, &column.name);
            if tells(&column.default) {
                column.default = None;
            }
            if tells(&column.computed) {
                column.computed = Some("(…)".to_owned());
            }
        }
        details
            .foreign_keys
            .retain(|key| standing.is_readable(&key.references.schema, &key.references.table));
        details
            .referenced_by
            .retain(|key| standing.is_readable(&key.schema, &key.table));
        details
            .checks
            .retain(|check| !standing.tells_of_hidden(&check.definition));
        details.temporal = details.temporal.filter(|pair| {
            let (Temporal::HistoryTable(Name { schema, table })
            | Temporal::HistoryOf(Name { schema, table })) = pair;
            standing.is_readable(schema, table)
        });
        details
    }
}
