//! A crontab as cron reads it: which lines are jobs, which set variables, and what stands in them. What becomes of them is not
//! known here.

/// A line that says something. Blank lines and comments do not.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    pub number: usize,
    /// As it stands, without the spaces around it.
    pub text: String,
    pub entry: Entry,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    Variable {
        name: String,
        value: String,
    },
    Job(Job),
    /// The reason.
    Unreadable(String),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Job {
    /// Five fields, or a macro.
    pub when: String,
    /// Of a system's crontab.
    pub user: Option<String>,
    pub command: String,
    /// What stands after the first `%`.
    pub stdin: Option<String>,
    /// A `-` stood before it: some crons then log nothing.
    pub is_quiet: bool,
    /// The comment right above it.
    pub comment: String,
}

pub fn read(crontab: &str, has_users: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut comment = String::new();
    for (index, text) in crontab.lines().enumerate() {
        let text = text.trim();
        if let Some(said) = text.strip_prefix('#') {
            let said = said.trim();
            comment = if comment.is_empty() { said.to_owned() } else { format!("{comment}\n{said}") };
            continue;
        }
        let above = std::mem::take(&mut comment);
        if !text.is_empty() {
            let entry = variable(text).unwrap_or_else(|| job(text, has_users, above));
            lines.push(Line { number: index + 1, text: text.to_owned(), entry });
        }
    }
    lines
}

/// `NAME = value`, either of them in quotes or not. No job begins with a name and an equals sign.
fn variable(text: &str) -> Option<Entry> {
    let (name, value) = text.split_once('=')?;
    let name = unquoted(name.trim());
    let mut characters = name.chars();
    let begins_well = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let is_name = begins_well && characters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| Entry::Variable { name: name.to_owned(), value: unquoted(value.trim()).to_owned() })
}

fn unquoted(text: &str) -> &str {
    let within = |quote| text.strip_prefix(quote).and_then(|text: &str| text.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(text)
}

fn job(text: &str, has_users: bool, comment: String) -> Entry {
    let is_quiet = text.starts_with('-');
    let text = text.trim_start_matches('-');
    let count = if text.starts_with('@') { 1 } else { 5 };
    let Some((fields, rest)) = fields(text, count) else {
        let what = if count == 1 { "a macro" } else { "five fields" };
        return Entry::Unreadable(format!("it is no line of a crontab: {what} and a command were expected, or NAME=value"));
    };
    let (user, rest) = match has_users.then(|| self::fields(rest, 1)) {
        None => (None, rest),
        Some(Some((user, command))) => (Some(user.join("")), command),
        Some(None) => {
            return Entry::Unreadable("it has a user, and no command after it; is it a user's crontab? then leave --system out".to_owned());
        }
    };
    let (command, stdin) = split_input(rest);
    Entry::Job(Job { when: fields.join(" "), user, command, stdin, is_quiet, comment })
}

/// The first `count` words, and what is left, of which there must be something.
fn fields(text: &str, count: usize) -> Option<(Vec<&str>, &str)> {
    let mut rest = text.trim_start();
    let mut fields = Vec::new();
    for _ in 0..count {
        let end = rest.find(char::is_whitespace)?;
        fields.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    (!rest.is_empty()).then_some((fields, rest))
}

/// An unescaped `%` ends the command; what follows is its input, in which each further one is a line break. It ends with one.
fn split_input(text: &str) -> (String, Option<String>) {
    let (mut command, mut input) = (String::new(), None::<String>);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_escape = character == '\\' && characters.peek() == Some(&'%');
        let next = match character {
            '%' if input.is_none() => {
                input = Some(String::new());
                continue;
            }
            '%' => '\n',
            // Cron takes the backslash away.
            _ if is_escape => characters.next().unwrap_or('%'),
            other => other,
        };
        input.as_mut().unwrap_or(&mut command).push(next);
    }
    let input = input.map(|input| if input.ends_with('\n') { input } else { format!("{input}\n") });
    (command.trim_end().to_owned(), input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job_of(text: &str, has_users: bool) -> Job {
        match read(text, has_users).pop().map(|line| line.entry) {
            Some(Entry::Job(job)) => job,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_job_has_five_fields_or_a_macro_and_a_command() {
        let job = job_of("*/5\t* * * Mon-Fri   /usr/bin/true  a  b ", false);
        assert_eq!((job.when.as_str(), job.command.as_str(), job.stdin), ("*/5 * * * Mon-Fri", "/usr/bin/true  a  b", None));
        let job = job_of("@daily root run-parts /etc/cron.daily", true);
        assert_eq!((job.when.as_str(), job.user.as_deref(), job.command.as_str()), ("@daily", Some("root"), "run-parts /etc/cron.daily"));
        let job = job_of("-0 3 * * * FOO=bar env", false);
        assert_eq!((job.when.as_str(), job.command.as_str(), job.is_quiet), ("0 3 * * *", "FOO=bar env", true));
    }

    #[test]
    fn a_percent_sign_begins_the_input_unless_it_is_escaped() {
        let split = |text| split_input(text);
        let input = |text: &str| Some(text.to_owned());
        assert_eq!(split(r"date +\%F"), ("date +%F".to_owned(), None));
        assert_eq!(split("mail -s hi me%Dear me,%%bye"), ("mail -s hi me".to_owned(), input("Dear me,\n\nbye\n")));
        assert_eq!(split(r"cat %100\%"), ("cat".to_owned(), input("100%\n")));
        assert_eq!(split(r"echo a\b\\%x"), (r"echo a\b\%x".to_owned(), None));
    }

    #[test]
    fn variables_are_told_from_jobs_and_lose_their_quotes() {
        let lines = read("MAILTO=\"\"\n \"PATH\" = '/bin:/usr/bin' \nA_1=b = c\n0 5 * * * A=b c", false);
        let variable = |name: &str, value: &str| Entry::Variable { name: name.to_owned(), value: value.to_owned() };
        let entries: Vec<&Entry> = lines.iter().map(|line| &line.entry).collect();
        assert_eq!(entries[..3], [&variable("MAILTO", ""), &variable("PATH", "/bin:/usr/bin"), &variable("A_1", "b = c")]);
        assert!(matches!(entries[3], Entry::Job(_)));
    }

    #[test]
    fn comments_belong_to_the_line_below_them_and_numbers_are_the_files() {
        let lines = read("# far away\n\n# nightly\n#  backup\n0 2 * * * backup\n0 3 * * * other\n5 4 * *\n", false);
        let told: Vec<(usize, &str)> = lines
            .iter()
            .map(|line| match &line.entry {
                Entry::Job(job) => (line.number, job.comment.as_str()),
                _ => (line.number, "unreadable"),
            })
            .collect();
        assert_eq!(told, [(5, "nightly\nbackup"), (6, ""), (7, "unreadable")]);
    }
}
