//! How a command fails: the exit code says what kind of failure it was.

use std::process::ExitCode;

/// Exit codes that scripts may rely on.
#[derive(Debug)]
pub enum Failure {
    /// 1
    Failed(anyhow::Error),
    /// 2
    WrongUse(String),
    /// 3
    NotFound(String),
    /// 4
    NoPermission(String),
}

impl Failure {
    pub fn report(self) -> ExitCode {
        let (code, text) = match self {
            Failure::Failed(error) => (1, format!("{error:#}")),
            Failure::WrongUse(text) => (2, text),
            Failure::NotFound(text) => (3, text),
            Failure::NoPermission(text) => (4, text),
        };
        anstream::eprintln!("belfry: {text}");
        ExitCode::from(code)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Failed(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Failed(error.into())
    }
}
