use super::*;

fn to(status: u16, location: impl Into<String>) -> Reply {
    (Status::from_u16(status).unwrap(), [("location", location.into())]).into_response()
}

/// `/0` answers, `/n` redirects to `/n-1`.
fn chain(path: &str) -> Reply {
    match path.trim_start_matches('/').parse::<u32>().unwrap() {
        0 => "there".into_response(),
        n => to(302, format!("/{}", n - 1)),
    }
}

#[tokio::test]
async fn redirects_are_not_followed_unless_asked() {
    let server = Server::start(chain).await;
    let outcome = send(json!({"url": format!("{}/1", server.base)})).await;
    assert_eq!(outcome.error.as_deref(), Some("the answer's status is 302 Found"));
    assert_eq!(outcome.output["headers"]["location"], json!("/0"));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn as_many_redirects_are_followed_as_asked_and_no_more() {
    let server = Server::start(chain).await;
    let outcome = send(json!({"url": format!("{}/3", server.base), "follow_redirects": 3})).await;
    assert_eq!((outcome.error, &outcome.output["body"]), (None, &json!("there")));
    let outcome = send(json!({"url": format!("{}/3", server.base), "follow_redirects": 2})).await;
    assert_eq!(outcome.error.as_deref(), Some("the answer's status is 302 Found"));
    let paths: Vec<_> = server.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/3", "/2", "/1", "/0", "/3", "/2", "/1"]);
}

#[tokio::test]
async fn a_redirect_that_is_named_a_success_is_the_answer() {
    let server = Server::start(chain).await;
    let outcome = send(json!({"url": format!("{}/1", server.base), "follow_redirects": 3, "success_status": [302]})).await;
    assert_eq!((outcome.error, &outcome.output["status"]), (None, &json!(302)));
}

#[tokio::test]
async fn the_method_and_the_body_change_with_a_redirect_as_browsers_change_them() {
    for (status, sent, got) in [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (302, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "DELETE", "DELETE"),
    ] {
        let server = Server::start(move |path| if path == "/from" { to(status, "/to") } else { "ok".into_response() }).await;
        let mut parameters = json!({"method": sent, "url": format!("{}/from", server.base), "follow_redirects": 1});
        if sent != "HEAD" {
            parameters["body"] = json!({"n": 1});
        }
        assert_eq!(send(parameters).await.error, None);
        let seen = server.last();
        let kept = sent == got && sent != "HEAD";
        assert_eq!((seen.path.as_str(), seen.method.as_str()), ("/to", got), "{status} {sent}");
        assert_eq!(seen.body, if kept { r#"{"n":1}"# } else { "" }, "{status} {sent}");
        assert_eq!(text(&seen.headers, "content-type").is_some(), kept, "{status} {sent}");
    }
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let other = Server::start(|_| "ok".into_response()).await;
    let target = other.base.clone();
    let server = Server::start(move |path| match path {
        "/away" => to(307, target.clone()),
        "/near" => to(307, "/there"),
        _ => "ok".into_response(),
    })
    .await;
    let headers = json!({"Authorization": "Bearer secret", "Cookie": "a=b", "x-other": "kept"});
    for path in ["near", "away"] {
        let outcome = send(json!({"url": format!("{}/{path}", server.base), "headers": headers, "follow_redirects": 1})).await;
        assert_eq!(outcome.error, None);
    }
    let (near, away) = (server.seen()[1].clone(), other.last());
    for (name, value) in [("authorization", "Bearer secret"), ("cookie", "a=b")] {
        assert_eq!((text(&near.headers, name).as_deref(), text(&away.headers, name)), (Some(value), None));
    }
    assert_eq!(text(&away.headers, "x-other").as_deref(), Some("kept"));
}

#[tokio::test]
async fn every_hop_is_judged_like_the_first() {
    for (target, part) in [
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254 is not dialled"),
        ("http://0xa000001/", "10.0.0.1 is not dialled"),
        ("//[::ffff:10.0.0.1]/", "::ffff:10.0.0.1 is not dialled"),
        ("ftp://127.0.0.1/", "`ftp:` is not requested"),
        ("http://", "which is no address"),
    ] {
        let server = Server::start(move |_| to(302, target)).await;
        let outcome = send(json!({"url": server.base, "follow_redirects": 5})).await;
        let error = outcome.error.unwrap();
        assert!(error.contains(part), "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}
