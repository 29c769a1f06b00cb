//! The forms of `forms.txt`, through the parser, the resolver and the dialler that requests go through.

use std::collections::BTreeSet;
use std::net::IpAddr;

use futures_util::future::FutureExt;

use super::*;

/// One line of the table.
struct Form {
    url: String,
    answer: String,
}

/// The forms, with the port of the server that would be reached.
fn forms(port: &str) -> Vec<Form> {
    let lines = include_str!("forms.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let form = |line: &str| {
        let (answer, url) = line.split_once(' ').unwrap();
        Form { url: unescaped(url.trim_start()).replace("PORT", port), answer: answer.to_owned() }
    };
    lines.map(form).collect()
}

fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    for (written, meant) in
        [("\\t", '\t'), ("\\n", '\n'), ("\\0", '\0'), ("\\u{ad}", '\u{ad}'), ("\\u{200b}", '\u{200b}'), ("\\u{2060}", '\u{2060}')]
    {
        text = text.replace(written, &meant.to_string());
    }
    text
}

/// What a refusal by the network policy says.
fn rule(answer: &str) -> Option<&'static str> {
    Some(match answer {
        "this-network" => "an address of this network (0.0.0.0/8)",
        "private" => "a private address",
        "carrier" => "a shared address of a carrier (100.64.0.0/10)",
        "loopback" => "a loopback address",
        "link-local" => "a link-local address",
        "protocols" => "reserved for protocols (192.0.0.0/24)",
        "protocols6" => "reserved for protocols (2001::/23)",
        "documentation" => "for documentation",
        "relay" => "of the retired 6to4 relays (192.88.99.0/24)",
        "benchmarks" => "for benchmarks (198.18.0.0/15)",
        "benchmarks6" => "for benchmarks (2001:2::/48)",
        "multicast" => "a multicast address",
        "broadcast" => "the broadcast address",
        "reserved" => "a reserved address",
        "unspecified" => "the unspecified address",
        "unique-local" => "a unique local address",
        "site-local" => "a site-local address",
        "mapped" => "an IPv4 address that is not public, mapped to IPv6",
        "nat64" => "an IPv4 address that is not public, behind NAT64",
        "6to4" => "an IPv4 address that is not public, behind 6to4",
        "teredo" => "an IPv4 address that is not public, behind Teredo",
        _ => return None,
    })
}

/// What the error of a request for `form` must say; nothing for what is dialled.
fn told(form: &Form) -> Option<String> {
    match form.answer.split_once(':') {
        Some(("dials", _)) => None,
        Some(("asks", name)) => Some(format!("`{name}`: 10.0.0.1 is not dialled, for it is a private address;")),
        _ => Some(match form.answer.as_str() {
            "no-address" => "no address".to_owned(),
            "scheme" => "` is not requested; write http:// or https://".replace('`', ":`"),
            answer => format!("is not dialled, for it is {};", rule(answer).unwrap_or_else(|| panic!("no rule is called {answer}"))),
        }),
    }
}

/// A resolver that finds every name at a private address.
fn inside(policy: NetworkPolicy) -> HttpClient {
    HttpClient::with_lookup(policy, Arc::new(|_| async { Ok(vec!["10.0.0.1:0".parse().unwrap()]) }.boxed()))
}

#[tokio::test]
async fn every_form_of_an_address_is_answered_as_the_table_says() {
    let server = Server::start(|_| "ok".into_response()).await;
    let port = server.base.rsplit(':').next().unwrap();
    let forms = forms(port);
    assert!(forms.len() >= 200, "{} forms", forms.len());
    let client = inside(NetworkPolicy::default());
    let mut faults = Vec::new();
    for form in &forms {
        let Some(told) = told(form) else {
            faults.extend(dialled_fault(form));
            continue;
        };
        let outcome = send_by(&client, json!({"url": form.url})).await;
        let error = outcome.error.unwrap_or_default();
        if !error.contains(&told) || !outcome.hopeless {
            faults.push(format!("{:?} is no {}: {error}", form.url, form.answer));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(server.seen(), []);
}

/// Public addresses are not dialled by a test: what is judged is what the dialler would be given.
fn dialled_fault(form: &Form) -> Option<String> {
    let address: IpAddr = form.answer.strip_prefix("dials:")?.parse().unwrap();
    let url: Url = form.url.parse().unwrap();
    let host = url.host_str().unwrap().trim_matches(['[', ']']);
    let judged = guard::check_literal(&NetworkPolicy::default(), &url);
    let fits = host.parse() == Ok(address) && judged.is_ok();
    (!fits).then(|| format!("{:?} leads to {host}, not to {address}: {judged:?}", form.url))
}

#[tokio::test]
async fn a_redirect_to_each_form_is_answered_like_the_form_itself() {
    let reached = Server::start(|_| "ok".into_response()).await;
    let port = reached.base.rsplit(':').next().unwrap().to_owned();
    // Each form is the answer to its own path, from an address that is allowed, unlike all of theirs.
    let targets = forms(&port);
    let location = move |path: &str| {
        let form = &targets[path.trim_start_matches('/').parse::<usize>().unwrap()];
        (Status::FOUND, [("location", axum::http::HeaderValue::from_bytes(form.url.as_bytes()).unwrap())]).into_response()
    };
    let server = Server::start_at("127.0.0.9:0", location).await;
    let client = inside(policy_that_allows(&["127.0.0.9"]));
    let mut faults = Vec::new();
    for (index, form) in forms(&port).iter().enumerate().filter(|(_, form)| stands_alone(form)) {
        let Some(told) = told(form) else { continue };
        let outcome = send_by(&client, json!({"url": format!("{}/{index}", server.base), "follow_redirects": 3})).await;
        let error = outcome.error.unwrap_or_default();
        if !error.contains(&told) {
            faults.push(format!("{:?} is no {}: {error}", form.url, form.answer));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(reached.seen(), []);
}

/// Whether a header can hold it, and it is not read as a path of the address that redirects.
fn stands_alone(form: &Form) -> bool {
    let rest = form.url.split_once(':').map_or("", |(_, rest)| rest);
    let is_whole = !form.url.starts_with("http") || rest.trim_start_matches(['/', '\\']).len() + 2 <= rest.len();
    is_whole && !form.url.starts_with(['/', '1']) && !form.url.contains(['\n', '\0', '\t'])
}

#[tokio::test]
async fn what_is_judged_is_what_is_dialled() {
    let server = Server::start(|_| "ok".into_response()).await;
    let port = server.base.rsplit(':').next().unwrap();
    let client = client_that_allows(&["127.0.0.1"]);
    let reached: Vec<Form> = forms(port).into_iter().filter(|form| form.answer == "loopback" && leads_to_the_server(form)).collect();
    for form in &reached {
        assert_eq!(send_by(&client, json!({"url": form.url})).await.error, None, "{:?}", form.url);
    }
    assert_eq!((server.seen().len(), reached.len() >= 60), (reached.len(), true));
}

fn leads_to_the_server(form: &Form) -> bool {
    let url: Url = form.url.parse().unwrap();
    url.scheme() == "http" && url.host_str() == Some("127.0.0.1")
}

#[test]
fn every_rule_has_a_form() {
    let used: BTreeSet<String> = forms("1").into_iter().map(|form| form.answer).filter(|answer| rule(answer).is_some()).collect();
    assert_eq!(used.len(), 21);
}
