//! How a command fails: the exit code says what kind of failure it was.

use std::process::ExitCode;

use serde_json::Value;

use belfry_core::violation::Violations;

/// Exit codes that scripts may rely on.
#[derive(Debug)]
pub enum Failure {
    /// 1
    Failed(anyhow::Error),
    /// 1: nothing was answered.
    Unreachable(String),
    /// 2
    WrongUse(String),
    /// 3
    NotFound(String),
    /// 4
    NoPermission(String),
}

impl Failure {
    pub fn report(self) -> ExitCode {
        let code = match self {
            Failure::Failed(_) | Failure::Unreachable(_) => 1,
            Failure::WrongUse(_) => 2,
            Failure::NotFound(_) => 3,
            Failure::NoPermission(_) => 4,
        };
        anstream::eprintln!("belfry: {}", self.text());
        ExitCode::from(code)
    }

    pub fn text(self) -> String {
        match self {
            Failure::Failed(error) => format!("{error:#}"),
            Failure::Unreachable(text) | Failure::WrongUse(text) | Failure::NotFound(text) | Failure::NoPermission(text) => text,
        }
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

impl From<Violations> for Failure {
    fn from(violations: Violations) -> Failure {
        let document = serde_json::json!({ "violations": violations });
        Failure::WrongUse(format!("the input is wrong{}", violations_of(&document)))
    }
}

/// The violations of a problem, one a line: where, what is wrong, and what would be right.
pub fn violations_of(problem: &Value) -> String {
    let violations = problem.get("violations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let line = |violation: &Value| {
        let part = |field: &str| violation.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let expected = part("expected");
        let expected = if expected.is_empty() { expected } else { format!("; expected {expected}") };
        format!("\n  {}: {}{expected}", part("pointer"), part("detail"))
    };
    violations.iter().map(line).collect()
}
