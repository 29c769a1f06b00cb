use super::*;

/// Each of these leads to an address that is not public, however it is written.
#[rustfmt::skip]
const HOSTS: [&str; 30] = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "127.0.0.2",
    "%31%32%37.0.0.1", "①②⑦.0.0.1", "127。0。0。1", "0", "0.0.0.0", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "user@127.0.0.1", "example.org@127.0.0.1", "localhost", "LOCALHOST",
    "10.0.0.1", "169.254.169.254", "[fd00::1]", "[fe80::1]",
];

#[tokio::test]
async fn an_address_is_judged_in_every_form_in_which_it_can_be_written() {
    let server = Server::start(|_| "ok".into_response()).await;
    let port = server.base.rsplit(':').next().unwrap();
    let client = client_that_allows(&[]);
    for host in HOSTS {
        let outcome = send_by(&client, json!({"url": format!("http://{host}:{port}/")})).await;
        assert!(outcome.hopeless, "{host} would be tried again");
        let error = outcome.error.unwrap_or_else(|| panic!("{host} was dialled"));
        assert!(error.contains("is not dialled") && error.contains("BELFRY_WORKER_ALLOW_NETWORKS"), "{host}: {error}");
    }
    assert_eq!(server.seen(), []);
}

#[tokio::test]
async fn a_name_is_dialled_at_those_of_its_addresses_that_are_allowed() {
    let server = Server::start(|_| "ok".into_response()).await;
    let url = server.base.replace("127.0.0.1", "localhost");
    let allowed = send_by(&client_that_allows(&["127.0.0.1"]), json!({"url": url})).await;
    assert_eq!(allowed.error, None);
    let error = send_by(&client_that_allows(&["10.0.0.0/8"]), json!({"url": url})).await.error.unwrap();
    assert!(error.contains("`localhost`: ") && error.contains("is not dialled"), "{error}");
}

#[tokio::test]
async fn allowing_one_network_allows_no_other() {
    let server = Server::start(|_| "ok".into_response()).await;
    let client = client_that_allows(&["127.0.0.2", "10.0.0.0/8"]);
    let error = send_by(&client, json!({"url": server.base})).await.error.unwrap();
    assert!(error.starts_with("127.0.0.1 is not dialled, for it is a loopback address"), "{error}");
    assert_eq!(server.seen(), []);
}
