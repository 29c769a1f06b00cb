//! The schema as it is committed: `schema.sql`, written anew with `BELFRY_WRITE_SCHEMA=1`.

use crate::file::File;

#[tokio::test]
async fn the_migrations_make_the_committed_schema() {
    let file = File::new();
    file.open().close().await;
    let connection = rusqlite::Connection::open(file.path()).unwrap();
    let mut select = connection
        .prepare(
            "SELECT sql
             FROM sqlite_schema
             WHERE sql IS NOT NULL
               AND name <> 'refinery_schema_history'
             ORDER BY tbl_name, type DESC, name",
        )
        .unwrap();
    let statements: Vec<String> = select.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let made = format!("{};\n", statements.join(";\n\n"));
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.sql");
    if std::env::var_os("BELFRY_WRITE_SCHEMA").is_some() {
        std::fs::write(committed, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(committed).unwrap(), made, "run this test with BELFRY_WRITE_SCHEMA=1 and commit schema.sql");
}
