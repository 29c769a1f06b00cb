//! What an imported line's workflow is called: after its command alone, so that a line whose time was changed keeps its
//! workflow, and importing it again updates that one.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

/// Shells and others that are told what to run.
const INTERPRETERS: [&str; 11] = ["sh", "bash", "dash", "zsh", "perl", "php", "python", "python3", "ruby", "node", "java"];
/// Programs that run another one.
const WRAPPERS: [&str; 13] =
    ["env", "nice", "ionice", "nohup", "sudo", "exec", "command", "time", "chronic", "setsid", "timeout", "flock", "run-one"];
/// Of these the first word that is no flag is not the program.
const WITH_ARGUMENT: [&str; 2] = ["timeout", "flock"];
/// What only prepares the ground for what follows it.
const PREPARATIONS: [&str; 10] = ["cd", "test", "[", "export", "umask", "set", ".", "source", "sleep", "ulimit"];
/// What stands before a command, and is none.
const SHELLS_OWN: [&str; 11] = ["if", "then", "else", "elif", "fi", "while", "until", "do", "done", "esac", "!"];
const LONGEST_WORD: usize = 40;

/// Names that were given, each once.
#[derive(Default)]
pub struct Names(HashMap<String, usize>);

impl Names {
    /// Of equal commands the second one is called so, too, in the order of the file.
    pub fn name(&mut self, command: &str, stdin: Option<&str>) -> String {
        let digest = Sha256::digest(format!("{command}\0{}", stdin.unwrap_or_default()));
        let digits: String = digest.iter().take(3).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{}-{digits}", word_of(command));
        let count = self.0.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}-{count}") }
    }
}

/// A word that people know the command by: its program's, mostly.
fn word_of(command: &str) -> String {
    let parts: Vec<Vec<&str>> = command.split([';', '&', '|', '(', ')', '{', '}']).map(words).filter(|words| !words.is_empty()).collect();
    let telling = parts.iter().find(|words| !PREPARATIONS.contains(&words[0])).or(parts.first());
    let program = telling.and_then(|words| program(words)).unwrap_or_default();
    let base = program.trim_matches(['"', '\'']).rsplit('/').next().unwrap_or_default();
    let plain: String = base.chars().map(|c| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '-' }).collect();
    let plain: String = plain.trim_matches(|c: char| !c.is_ascii_alphanumeric()).chars().take(LONGEST_WORD).collect();
    if plain.is_empty() { "command".to_owned() } else { plain }
}

/// Without the shell's own words and the variables that are set before a program.
fn words(part: &str) -> Vec<&str> {
    let is_variable = |word: &str| word.find('=').is_some_and(|end| !word[..end].contains(['/', '"', '\'']));
    part.split_whitespace().skip_while(|word| SHELLS_OWN.contains(word) || is_variable(word)).collect()
}

fn program<'a>(words: &[&'a str]) -> Option<&'a str> {
    let (first, rest) = words.split_first()?;
    let base = first.rsplit('/').next().unwrap_or(first);
    let is_program = |word: &&&str| !word.starts_with('-') && !word.starts_with(|c: char| c.is_ascii_digit()) && !word.contains('=');
    if WRAPPERS.contains(&base) {
        let skipped = usize::from(WITH_ARGUMENT.contains(&base) && !rest.iter().all(|word| word.starts_with('-')));
        let lies = rest.iter().position(|word| !word.starts_with('-')).map_or(rest.len(), |place| place + skipped);
        let inner: Vec<&str> = rest[lies.min(rest.len())..].iter().skip_while(|word| !is_program(word)).copied().collect();
        return program(&inner).or(Some(first));
    }
    if INTERPRETERS.contains(&base) && !rest.contains(&"-c") {
        return rest.iter().find(is_program).copied().or(Some(first));
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_known_by_its_program() {
        for (command, word) in [
            ("/usr/local/bin/backup.sh --all", "backup.sh"),
            ("cd /srv/shop && ./bin/console app:sync >/dev/null 2>&1", "console"),
            ("test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )", "run-parts"),
            ("[ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean", "sessionclean"),
            ("[ -x /bin/a ] && if [ ! -d /run ]; then /bin/a; fi", "a"),
            ("flock -n /tmp/sync.lock /usr/bin/php /var/www/cron.php", "cron.php"),
            ("timeout 300 /opt/report", "report"),
            ("nice -n 19 ionice -c3 updatedb", "updatedb"),
            ("LANG=C TZ=UTC python3 -m reports.daily", "reports.daily"),
            ("bash -c 'echo hi'", "bash"),
            ("\"/opt/my tool/run\" x", "my"),
            ("$HOME/bin/x", "x"),
            ("'", "command"),
        ] {
            assert_eq!(word_of(command), word, "{command}");
        }
    }

    #[test]
    fn names_are_stable_and_unique() {
        let mut names = Names::default();
        let first = names.name("/bin/x", None);
        let others = [names.name("/bin/x", None), names.name("/bin/x", Some("in")), names.name("/bin/x -v", None)];
        assert_eq!(others[0], format!("{first}-2"));
        assert!(others[1..].iter().all(|name| name.starts_with("x-") && *name != first), "{others:?}");
        assert_ne!(others[1], others[2]);
        assert_eq!(Names::default().name("/bin/x", None), first);
    }
}
