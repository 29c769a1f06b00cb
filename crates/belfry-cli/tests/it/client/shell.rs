//! Completion, manual pages, and what is shown while something takes long.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use super::complaint;
use crate::server::belfry;

#[test]
fn bash_completes_verbs_flags_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let script = belfry(folder.path()).args(["completion", "bash"]).output().unwrap();
    let file = folder.path().join("belfry.bash");
    fs::write(&file, &script.stdout).unwrap();
    let complete = |words: &str| {
        let ask = format!(
            "source '{}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=(); \
             _belfry belfry \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[@]}}\"",
            file.display()
        );
        let output = Command::new("bash").args(["-c", &ask]).output().unwrap();
        assert!(output.status.success(), "{}", complaint(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("belfry sched"), "schedule");
    assert_eq!(complete("belfry schedule pre"), "preview");
    assert_eq!(complete("belfry run list --sta"), "--state");
    assert_eq!(complete("belfry schedule set w --gap s"), "skip shift");
}

#[test]
fn every_shell_has_its_script_and_another_is_refused_with_those_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = belfry(folder.path()).args(["completion", shell]).output().unwrap();
        assert!(output.status.success() && String::from_utf8(output.stdout).unwrap().contains("belfry"), "{shell}");
    }
    let refused = belfry(folder.path()).args(["completion", "tcsh"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(complaint(&refused).contains("fish"), "{}", complaint(&refused));
}

#[test]
fn there_is_a_manual_page_for_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    let page = belfry(folder.path()).arg("man").output().unwrap();
    assert!(String::from_utf8(page.stdout).unwrap().contains(".TH belfry 1"));
    let pages = folder.path().join("man1");
    assert!(belfry(folder.path()).args(["man", "--dir", pages.to_str().unwrap()]).output().unwrap().status.success());
    let page = fs::read_to_string(pages.join("belfry-schedule-set.1")).unwrap();
    assert!(page.contains("jitter") && page.contains("Europe/Berlin"), "{page}");
    assert!(fs::read_dir(&pages).unwrap().count() >= 45);
}

/// Needs `script` of util-linux, which gives a command a terminal.
#[test]
fn on_a_terminal_what_takes_long_says_so_and_elsewhere_nothing_is_added() {
    let folder = tempfile::tempdir().unwrap();
    // Takes connections, and answers nobody.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let command = format!("timeout 5 {} --url {url} --api-key belfry_x workflow list", env!("CARGO_BIN_EXE_belfry"));
    let mut script = Command::new("script");
    let on_a_terminal = script.args(["-qec", &command, "/dev/null"]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&on_a_terminal.stdout).into_owned();
    assert!(said.contains(&format!("waiting for {url} … 2 s")), "{said:?}");
    let elsewhere = Command::new("sh").args(["-c", &command]).output().unwrap();
    assert_eq!((elsewhere.stdout.as_slice(), elsewhere.stderr.as_slice()), (&b""[..], &b""[..]));
}
