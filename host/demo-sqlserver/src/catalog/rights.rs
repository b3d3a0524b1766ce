//! What a session's user is and was granted (`sys.user_token`,
//! `sys.database_permissions`). The log-ins of the embedded server have their
//! rights through the fixed roles, and nothing was granted on any single object.

use super::sheet::{Field, SYSNAME, absent, int, nvarchar, optional, required, sheet, text};
use crate::schema::Table;
use crate::value::Length;
use crate::value::SqlType::{Char, Int, TinyInt, VarBinary};

pub(super) fn tables() -> Vec<Table> {
    vec![
        sheet("sys", "user_token", &token_fields(), ROLES),
        sheet("sys", "database_permissions", &permission_fields(), [USERS]),
    ]
}

/// Roles that every user has, by principal id.
const ROLES: [(i32, &str); 2] = [(0, "public"), (16_390, "db_datareader")];
/// The principal to whom CONNECT was granted: every user has `public`.
const USERS: i32 = 0;

fn token_fields() -> Vec<Field<(i32, &'static str)>> {
    vec![
        optional("principal_id", Int, |row| int(row.0)),
        absent("sid", VarBinary(Length::Limited(85))),
        optional("name", SYSNAME, |row| text(row.1)),
        optional("type", nvarchar(128), |_| text("ROLE")),
        optional("usage", nvarchar(128), |_| text("GRANT OR DENY")),
    ]
}

fn permission_fields() -> Vec<Field<i32>> {
    vec![
        required("class", TinyInt, |_| int(0)),
        optional("class_desc", nvarchar(60), |_| text("DATABASE")),
        required("major_id", Int, |_| int(0)),
        required("minor_id", Int, |_| int(0)),
        required("grantee_principal_id", Int, |row| int(*row)),
        required("grantor_principal_id", Int, |_| int(1)),
        required("type", Char(4), |_| text("CO  ")),
        optional("permission_name", nvarchar(128), |_| text("CONNECT")),
        required("state", Char(1), |_| text("G")),
        optional("state_desc", nvarchar(60), |_| text("GRANT")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn nobody_was_granted_more_than_to_connect() {
        let all = tables();
        let permissions = all
            .iter()
            .find(|table| table.name == "database_permissions");
        for row in &permissions.unwrap().rows {
            assert!(row.contains(&Value::Text("CONNECT".to_owned())), "{row:?}");
        }
    }
}
