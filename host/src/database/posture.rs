//! What the log-in may do besides reading. The log-in is the boundary: where a
//! scope only reads and its log-in can do more, no statement of anybody runs,
//! unless the operator allows it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::catalog::bracketed;
use super::convert::{self, Kind};
use super::error::Error;
use super::value::Value;
use super::{Inner, query};

/// What was found of a log-in's rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posture {
    /// The log-in.
    pub login: String,
    /// Its user in the database.
    pub user: String,
    /// The database.
    pub database: String,
    /// Whether the database itself refuses changes: a readable secondary, a
    /// snapshot, `SET READ_ONLY`.
    pub is_read_only_database: bool,
    /// Rights beyond reading, the most powerful first.
    pub rights: Vec<Right>,
}

/// A right beyond reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    /// Membership of a server role.
    ServerRole(&'static str),
    /// A permission on the server.
    Server(&'static str),
    /// Membership of a database role.
    Role(&'static str),
    /// A permission on the database.
    Database(&'static str),
    /// A permission on a part of it.
    Object {
        /// `INSERT` …
        permission: String,
        /// What it is on, as T-SQL names it.
        on: String,
    },
    /// Ownership, which gives every permission and which nothing can deny.
    Owner {
        /// What is owned, as T-SQL names it.
        of: String,
    },
}

impl Posture {
    /// Whether the log-in can do nothing but read.
    pub fn only_reads(&self) -> bool {
        self.rights.is_empty()
    }

    /// What is wrong, for the operator.
    pub fn sentence(&self) -> String {
        let rights: Vec<String> = self.rights.iter().take(SHOWN).map(Right::said).collect();
        let more = self.rights.len().saturating_sub(SHOWN);
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        format!(
            "the log-in {:?} can do more than read in {:?}: {}{more}",
            self.login,
            self.database,
            rights.join(", ")
        )
    }

    /// The T-SQL that mends it; empty where nothing is wrong.
    pub fn remedy(&self) -> String {
        if self.only_reads() {
            return String::new();
        }
        // Nothing can be denied to who owns the database or rules the server.
        let too_powerful = self.user.eq_ignore_ascii_case("dbo")
            || self.rights.iter().any(|right| {
                matches!(
                    right,
                    Right::ServerRole(_)
                        | Right::Server(_)
                        | Right::Role("db_owner")
                        | Right::Database("CONTROL")
                )
            });
        let database = bracketed(&self.database);
        if too_powerful {
            return format!(
                "CREATE LOGIN [mcp_reader] WITH PASSWORD = N'…'; USE {database}; CREATE USER \
                 [mcp_reader] FOR LOGIN [mcp_reader]; ALTER ROLE [db_datareader] ADD MEMBER \
                 [mcp_reader]; ALTER ROLE [db_denydatawriter] ADD MEMBER [mcp_reader]; DENY \
                 EXECUTE, ALTER TO [mcp_reader];"
            );
        }
        let user = bracketed(&self.user);
        let roles = self.rights.iter().filter_map(|right| match right {
            Right::Role(role) => Some(format!(" ALTER ROLE [{role}] DROP MEMBER {user};")),
            _ => None,
        });
        let mut remedy = format!("USE {database};");
        remedy.extend(roles);
        remedy.push_str(&format!(
            " DENY INSERT, UPDATE, DELETE, EXECUTE, ALTER TO {user};"
        ));
        for right in self.rights.iter().take(SHOWN) {
            match right {
                Right::Object { permission, on } if !DENIED.contains(&permission.as_str()) => {
                    let on = match on.as_str() {
                        "DATABASE" => String::new(),
                        on => format!(" ON {on}"),
                    };
                    remedy.push_str(&format!(" REVOKE {permission}{on} FROM {user};"));
                }
                Right::Owner { of } => {
                    remedy.push_str(&format!(" ALTER AUTHORIZATION ON {of} TO [dbo];"));
                }
                _ => {}
            }
        }
        remedy
    }
}

impl Right {
    fn said(&self) -> String {
        match self {
            Self::ServerRole(role) => format!("member of the server role {role}"),
            Self::Server(permission) => format!("{permission} on the server"),
            Self::Role(role) => format!("member of {role}"),
            Self::Database(permission) => format!("{permission} on the database"),
            Self::Object { permission, on } => format!("{permission} on {on}"),
            Self::Owner { of } => format!("owner of {of}"),
        }
    }
}

/// Lets statements through once the log-in is known to fit.
pub(super) struct Gate {
    /// Whether a log-in that can write keeps it shut.
    enforced: bool,
    state: AtomicU8,
    known: Mutex<Option<(Arc<Posture>, Instant)>>,
    asking: tokio::sync::Mutex<()>,
}

impl Gate {
    pub(super) fn new(enforced: bool) -> Self {
        Self {
            enforced,
            state: AtomicU8::new(if enforced { UNKNOWN } else { OPEN }),
            known: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn is_enforced(&self) -> bool {
        self.enforced
    }

    /// What was found last, and how long ago.
    pub(super) fn known(&self) -> Option<(Arc<Posture>, Duration)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .as_ref()
            .map(|(posture, at)| (Arc::clone(posture), at.elapsed()))
    }

    fn learn(&self, posture: &Arc<Posture>) {
        let only_reads = posture.only_reads();
        let open = !self.enforced || only_reads;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Arc::clone(posture), Instant::now()));
        self.state
            .store(if open { OPEN } else { SHUT }, Ordering::Release);
    }

    fn verdict(&self) -> Option<Result<(), Error>> {
        match self.state.load(Ordering::Acquire) {
            OPEN => Some(Ok(())),
            SHUT => Some(Err(Error::Withheld(WRITABLE.to_owned()))),
            _ => None,
        }
    }
}

/// Whether statements may run; asks the server where that is not known yet.
pub(super) async fn admit(inner: &Inner) -> Result<(), Error> {
    if let Some(verdict) = inner.gate.verdict() {
        return verdict;
    }
    let _one_asks = inner.gate.asking.lock().await;
    if let Some(verdict) = inner.gate.verdict() {
        return verdict;
    }
    check(inner).await?;
    inner.gate.verdict().unwrap_or(Ok(()))
}

/// Asks the server, in one round trip.
pub(super) async fn check(inner: &Inner) -> Result<Arc<Posture>, Error> {
    let sets = query::unchecked(inner, &question(), Vec::new()).await;
    let sets = sets.map_err(|error| match error {
        Error::Server(error) => {
            tracing::error!(
                number = error.number,
                message = error.message,
                "the rights of the log-in cannot be found out"
            );
            Error::Withheld(UNKNOWN_RIGHTS.to_owned())
        }
        error => error,
    })?;
    let posture = read(sets).ok_or_else(|| Error::Withheld(UNKNOWN_RIGHTS.to_owned()))?;
    let posture = Arc::new(posture);
    inner.gate.learn(&posture);
    Ok(posture)
}

/// Everything in one row, and a row for each permission on a part and each part that is
/// owned.
fn question() -> String {
    let mut sql = String::from(
        "SELECT SUSER_SNAME(), USER_NAME(), DB_NAME(), \
         CAST(DATABASEPROPERTYEX(DB_NAME(), N'Updateability') AS nvarchar(60))",
    );
    for right in rights() {
        sql.push_str(&match right {
            Right::ServerRole(role) => format!(", IS_SRVROLEMEMBER(N'{role}')"),
            Right::Server(permission) => {
                format!(", HAS_PERMS_BY_NAME(NULL, NULL, N'{permission}')")
            }
            Right::Role(role) => format!(", IS_MEMBER(N'{role}')"),
            Right::Database(permission) => {
                format!(", HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), N'DATABASE', N'{permission}')")
            }
            Right::Object { .. } | Right::Owner { .. } => String::new(),
        });
    }
    for rows in [ON_PARTS, OWNED] {
        sql.push_str("; ");
        sql.push_str(rows);
    }
    sql
}

fn rights() -> impl Iterator<Item = Right> {
    let server_roles = SERVER_ROLES.iter().copied().map(Right::ServerRole);
    let server = SERVER.iter().copied().map(Right::Server);
    let roles = ROLES.iter().copied().map(Right::Role);
    let database = DATABASE.iter().copied().map(Right::Database);
    server_roles.chain(server).chain(roles).chain(database)
}

fn read(sets: Vec<Vec<Vec<tiberius::ColumnData<'static>>>>) -> Option<Posture> {
    let value = |data| convert::value(Kind::FixedChar, "", data);
    let text = |value: Option<Value>| match value {
        Some(Value::Text(text)) => text.trim_end().to_owned(),
        _ => String::new(),
    };
    let mut sets = sets.into_iter();
    let row = sets.next()?.into_iter().next()?;
    if row.len() != 4 + rights().count() {
        return None;
    }
    let mut cells = row.into_iter().map(value);
    let mut posture = Posture {
        login: text(cells.next()),
        user: text(cells.next()),
        database: text(cells.next()),
        is_read_only_database: text(cells.next()) == "READ_ONLY",
        rights: Vec::new(),
    };
    // NULL: the server knows no such right.
    let has = rights()
        .zip(cells)
        .filter(|(_, answer)| matches!(answer, Value::Int(1) | Value::Bit(true)));
    posture.rights.extend(has.map(|(right, _)| right));
    for row in sets.next()? {
        let mut cells = row.into_iter().map(value);
        let (permission, class) = (text(cells.next()), text(cells.next()));
        let (schema, name) = (text(cells.next()), text(cells.next()));
        let on = match class.as_str() {
            "OBJECT_OR_COLUMN" => format!("OBJECT::{}.{}", bracketed(&schema), bracketed(&name)),
            "SCHEMA" => format!("SCHEMA::{}", bracketed(&schema)),
            "DATABASE_PRINCIPAL" => "USER::[…]".to_owned(),
            _ => class,
        };
        posture.rights.push(Right::Object { permission, on });
    }
    for row in sets.next()? {
        let mut cells = row.into_iter().map(value);
        let (schema, name) = (text(cells.next()), text(cells.next()));
        let of = match name.as_str() {
            "" => format!("SCHEMA::{}", bracketed(&schema)),
            name => format!("OBJECT::{}.{}", bracketed(&schema), bracketed(name)),
        };
        posture.rights.push(Right::Owner { of });
    }
    Some(posture)
}

const SERVER_ROLES: &[&str] = &["sysadmin"];
/// CONTROL SERVER implies the others.
const SERVER: &[&str] = &[
    "CONTROL SERVER",
    "ADMINISTER BULK OPERATIONS",
    "IMPERSONATE ANY LOGIN",
    "ALTER ANY LOGIN",
    "ALTER ANY DATABASE",
    "ALTER ANY CONNECTION",
    "ALTER SETTINGS",
    "SHUTDOWN",
];
const ROLES: &[&str] = &[
    "db_owner",
    "db_datawriter",
    "db_ddladmin",
    "db_securityadmin",
    "db_accessadmin",
    "db_backupoperator",
];
const DATABASE: &[&str] = &["CONTROL", "ALTER", "INSERT", "UPDATE", "DELETE", "EXECUTE"];
/// Denied on the database by the remedy, and so on every part of it.
const DENIED: &[&str] = &["INSERT", "UPDATE", "DELETE", "EXECUTE", "ALTER"];

/// Permissions on single tables, schemas and principals, and the lesser ones on
/// the database, which its own do not show; `sys.user_token` has the user and all its roles. Functions
/// may be executed, since a SELECT can call no other kind of code; what is
/// denied on the whole database is no right.
const ON_PARTS: &str = "\
SELECT DISTINCT TOP (100) p.permission_name, p.class_desc, \
 CASE WHEN p.class = 1 THEN OBJECT_SCHEMA_NAME(p.major_id) \
  WHEN p.class = 3 THEN SCHEMA_NAME(p.major_id) END, \
 CASE WHEN p.class = 1 THEN OBJECT_NAME(p.major_id) END \
FROM sys.database_permissions AS p \
WHERE p.state IN (N'G', N'W') AND p.major_id >= 0 \
 AND p.grantee_principal_id IN (SELECT u.principal_id FROM sys.user_token AS u) \
 AND (p.permission_name LIKE N'ALTER ANY %' OR p.permission_name = N'TAKE OWNERSHIP' \
  OR p.class <> 0 AND p.permission_name IN (N'INSERT', N'UPDATE', N'DELETE', N'ALTER', \
   N'CONTROL', N'IMPERSONATE') \
  OR (p.permission_name = N'EXECUTE' AND p.class IN (1, 3) AND NOT EXISTS \
   (SELECT * FROM sys.objects AS o WHERE o.object_id = p.major_id AND p.class = 1 \
     AND o.type IN (N'FN', N'FS', N'AF', N'IF', N'TF', N'FT')))) \
 AND NOT (p.permission_name IN (N'INSERT', N'UPDATE', N'DELETE') \
  AND IS_MEMBER(N'db_denydatawriter') = 1) \
 AND NOT EXISTS (SELECT * FROM sys.database_permissions AS d \
  WHERE d.state = N'D' AND d.class = 0 AND d.permission_name = p.permission_name \
   AND d.grantee_principal_id IN (SELECT t.principal_id FROM sys.user_token AS t)) \
ORDER BY 1, 2, 3, 4";

/// Schemas and objects that the user, or a role of it, owns: that is in no permission.
/// Each fixed role has an empty schema of its own, from 16384 on.
const OWNED: &str = "\
SELECT TOP (100) s.name, CAST(NULL AS sysname) FROM sys.schemas AS s \
WHERE s.schema_id < 16384 \
 AND s.principal_id IN (SELECT u.principal_id FROM sys.user_token AS u) \
UNION ALL \
SELECT TOP (100) SCHEMA_NAME(o.schema_id), o.name FROM sys.objects AS o \
WHERE o.principal_id IN (SELECT u.principal_id FROM sys.user_token AS u)";

const UNKNOWN: u8 = 0;
const OPEN: u8 = 1;
const SHUT: u8 = 2;
const SHOWN: usize = 10;

const WRITABLE: &str = "this scope only reads, and the account that it uses can do more than that, \
    so nothing is run; whoever runs this service finds in its log what to change";
const UNKNOWN_RIGHTS: &str = "this scope only reads, and it cannot be found out whether the account \
    that it uses can do no more than that, so nothing is run; whoever runs this service finds the \
    reason in its log";

#[cfg(test)]
mod tests {
    use tiberius::ColumnData;

    use super::*;

    fn posture(user: &str, rights: Vec<Right>) -> Posture {
        Posture {
            login: "app".to_owned(),
            user: user.to_owned(),
            database: "Sales".to_owned(),
            is_read_only_database: false,
            rights,
        }
    }

    fn text(text: &str) -> ColumnData<'static> {
        ColumnData::String(Some(text.to_owned().into()))
    }

    fn answer(yes: &[usize]) -> Vec<ColumnData<'static>> {
        let mut row: Vec<_> = ["app", "app_user", "Sales", "READ_WRITE"].map(text).into();
        let count = rights().count();
        row.extend((0..count).map(|index| {
            let no = if index % 2 == 0 { None } else { Some(0) };
            ColumnData::I32(if yes.contains(&index) { Some(1) } else { no })
        }));
        row
    }

    #[test]
    fn each_answer_is_read_as_the_right_that_was_asked_for() {
        let all: Vec<Right> = rights().collect();
        for (index, right) in all.iter().enumerate() {
            let read = read(vec![vec![answer(&[index])], Vec::new(), Vec::new()]).unwrap();
            assert_eq!(read.rights, std::slice::from_ref(right));
            assert!(!read.only_reads());
        }
        let none = read(vec![vec![answer(&[])], Vec::new(), Vec::new()]).unwrap();
        assert!(none.only_reads() && none.remedy().is_empty());
        let asked = question().matches("N'").count();
        assert!(asked > all.len(), "a right that is not asked for");
    }

    #[test]
    fn a_permission_on_one_table_counts_and_is_named() {
        let row = ["INSERT", "OBJECT_OR_COLUMN", "dbo", "Or]ders"].map(text);
        let found = read(vec![vec![answer(&[])], vec![row.into()], Vec::new()]).unwrap();
        assert!(!found.only_reads());
        let sentence = found.sentence();
        assert!(
            sentence.contains("INSERT on OBJECT::[dbo].[Or]]ders]"),
            "{sentence}"
        );
        assert!(found.remedy().contains("DENY INSERT"), "{}", found.remedy());
    }

    #[test]
    fn what_the_log_in_owns_it_can_write_and_only_another_owner_mends_that() {
        let schema = vec![text("sales"), ColumnData::String(None)];
        let table = vec![text("dbo"), text("Notes")];
        let found = read(vec![vec![answer(&[])], Vec::new(), vec![schema, table]]).unwrap();
        assert!(!found.only_reads());
        for (part, of) in [
            ("owner of SCHEMA::[sales]", found.sentence()),
            ("owner of OBJECT::[dbo].[Notes]", found.sentence()),
            (
                "ALTER AUTHORIZATION ON SCHEMA::[sales] TO [dbo];",
                found.remedy(),
            ),
        ] {
            assert!(of.contains(part), "{of}");
        }
    }

    #[test]
    fn an_answer_that_is_not_whole_is_no_answer() {
        assert_eq!(read(Vec::new()), None);
        assert_eq!(read(vec![vec![answer(&[])]]), None);
        let mut short = answer(&[]);
        short.pop();
        assert_eq!(read(vec![vec![short], Vec::new(), Vec::new()]), None);
        assert_eq!(read(vec![vec![answer(&[])], Vec::new()]), None);
    }

    #[test]
    fn the_remedy_takes_away_what_can_be_and_makes_another_log_in_where_nothing_can() {
        let some = vec![
            Right::Role("db_datawriter"),
            Right::Database("INSERT"),
            Right::Object {
                permission: "IMPERSONATE".to_owned(),
                on: "USER::[…]".to_owned(),
            },
            Right::Object {
                permission: "ALTER ANY ROLE".to_owned(),
                on: "DATABASE".to_owned(),
            },
        ];
        let remedy = posture("app]", some).remedy();
        for part in [
            "USE [Sales];",
            "ALTER ROLE [db_datawriter] DROP MEMBER [app]]];",
            "DENY INSERT, UPDATE, DELETE, EXECUTE, ALTER TO [app]]];",
            "REVOKE IMPERSONATE ON USER::[…] FROM [app]]];",
            "REVOKE ALTER ANY ROLE FROM [app]]];",
        ] {
            assert!(remedy.contains(part), "{remedy}");
        }
        for (user, right) in [
            ("app", Right::ServerRole("sysadmin")),
            ("app", Right::Role("db_owner")),
            ("app", Right::Database("CONTROL")),
            ("dbo", Right::Database("INSERT")),
        ] {
            let remedy = posture(user, vec![right]).remedy();
            assert!(remedy.contains("CREATE LOGIN [mcp_reader]"), "{remedy}");
            assert!(remedy.contains("USE [Sales]"), "{remedy}");
        }
    }
}
