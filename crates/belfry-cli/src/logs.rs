//! What is logged, and how.

use std::io::IsTerminal;

use anyhow::{Context, ensure};
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, LogSettings};

/// At `warn` the AMQP driver prints bodies of messages. Whoever needs its lines names it: `info,lapin=debug`.
const QUIET: &str = "lapin=error,async_rs=error,tcp_stream=error";

/// Begins to log to standard error, by the directives of the settings or those given instead.
pub fn start(settings: &LogSettings, instead: Option<&str>) -> anyhow::Result<()> {
    let filter = filter(instead.unwrap_or(&settings.filter))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let installed = match settings.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    ensure!(installed.is_ok(), "logging was set up before");
    Ok(())
}

/// Of two directives for the same target the later one holds.
fn filter(directives: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(format!("{QUIET},{directives}")).with_context(|| format!("log.filter: `{directives}` is no filter such as info"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing::{info, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines_under(directives: &str) -> Vec<String> {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter(directives).unwrap())
            .with_writer(move || writer.clone())
            .without_time()
            .with_level(false)
            .with_target(false)
            .with_ansi(false)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            info!(target: "belfry_scheduler::daemon", "ours");
            warn!(target: "lapin::channel", "a body");
        });
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_driver_says_nothing_below_an_error_unless_it_is_named() {
        assert_eq!(lines_under("info"), ["ours"]);
        assert_eq!(lines_under("trace"), ["ours"]);
        assert_eq!(lines_under("info,lapin=warn"), ["ours", "a body"]);
        assert_eq!(lines_under("warn,lapin::channel=warn"), ["a body"]);
    }

    #[test]
    fn a_filter_that_is_none_is_named() {
        assert!(filter("info,=").unwrap_err().to_string().contains("`info,=`"));
    }
}
