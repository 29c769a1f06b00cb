//! What an operator sees of a deployment.

use belfry_core::ids::MemberId;
use belfry_core::ports::{Member, ScheduleStore};
use belfry_postgres::{Connected, Database, Settings};
use uuid::Uuid;

use crate::server::TestDatabase;

#[tokio::test]
async fn a_deployment_tells_its_schema_its_living_daemons_and_who_is_connected() {
    let database = TestDatabase::migrated().await;
    let name = "belfry daemon 1.2.3".to_owned();
    let settings = Settings { connections: 1, application_name: name.clone(), ..Settings::default() };
    let daemon = Database::connect(&database.address(), &settings).await.unwrap();
    for (number, is_draining) in [(1, false), (2, true)] {
        let member = Member { id: MemberId(Uuid::from_u128(number)), is_draining, behind_since: None, progressed_at: None };
        daemon.store().beat(member).await.unwrap();
    }
    let told = daemon.deployment().await.unwrap();
    assert_eq!((told.daemons, told.draining), (2, 1));
    let applied = "SELECT max(version) FROM refinery_schema_history";
    assert_eq!(told.version, database.admin().query_one(applied, &[]).await.unwrap().get::<_, i32>(0));
    assert_eq!(told.connected, [Connected { name, connections: 1 }]);
}
