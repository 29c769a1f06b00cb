//! What the lines of a crontab that set variables mean for the jobs below them.

use std::collections::BTreeMap;

use belfry_core::time::Zone;

/// The variables above a line.
#[derive(Clone)]
pub struct Environment {
    /// What the commands get.
    pub variables: BTreeMap<String, String>,
    /// In which the fields are read; the reason when there is no such zone.
    pub zone: Result<String, String>,
    pub shell: Option<String>,
    pub home: Option<String>,
    /// cronie's: by how many minutes at most each job is late.
    pub random_delay: Option<u16>,
}

const MAIL: [&str; 5] = ["MAILTO", "MAILFROM", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING", "MAIL"];
/// What a worker tells of the run.
const RESERVED: &str = "BELFRY_";
const MOST_MINUTES: u16 = 24 * 60;

impl Environment {
    pub fn new(zone: String) -> Environment {
        Environment { variables: BTreeMap::new(), zone: Ok(zone), shell: None, home: None, random_delay: None }
    }

    /// Takes a variable over, and says what becomes of it; else why it cannot be expressed.
    pub fn set(&mut self, name: &str, value: &str) -> Result<String, String> {
        match name {
            "CRON_TZ" => self.set_zone(value),
            "TZ" => {
                self.keep(name, value);
                self.set_zone(value).map(|said| format!("{said}, and TZ is set for the commands (not every cron reads it for times)"))
            }
            "SHELL" => {
                self.shell = Some(value.to_owned());
                self.keep(name, value);
                Ok(format!("the commands below are run by {value}"))
            }
            "HOME" => {
                self.home = Some(value.to_owned());
                self.keep(name, value);
                Ok(format!("the commands below are run in {value}"))
            }
            "RANDOM_DELAY" => self.set_delay(value),
            "USER" | "LOGNAME" => Ok(format!("not carried over: cron sets {name} itself, and a worker has a user of its own")),
            name if MAIL.contains(&name) => {
                Ok("not carried over: nothing is mailed; what a command writes is kept with its run, see `belfry run logs`".to_owned())
            }
            name if name.starts_with(RESERVED) => {
                Err(format!("variables that begin with {RESERVED} are set by the worker; choose another name"))
            }
            name => {
                self.keep(name, value);
                Ok("set for the commands below".to_owned())
            }
        }
    }

    fn keep(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    fn set_zone(&mut self, value: &str) -> Result<String, String> {
        // A POSIX form such as `:Europe/Berlin` names the same file.
        self.zone = Zone::named(value.trim_start_matches(':')).map(|zone| zone.name().to_owned()).map_err(|error| error.to_string());
        self.zone.clone().map(|zone| format!("the times below are in {zone}"))
    }

    fn set_delay(&mut self, value: &str) -> Result<String, String> {
        match value.parse::<u16>() {
            Ok(minutes) if minutes <= MOST_MINUTES => {
                self.random_delay = Some(minutes).filter(|minutes| *minutes > 0);
                Ok(format!("the times below are late by up to {minutes} minutes, each by a number of its own (jitter)"))
            }
            _ => Err(format!("`{value}` is no number of minutes up to {MOST_MINUTES}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variable_has_its_meaning() {
        let mut environment = Environment::new("UTC".to_owned());
        for (name, value) in [("PATH", "/bin"), ("MAILTO", "me"), ("CRON_TZ", "Asia/Tokyo"), ("HOME", "/srv"), ("LOGNAME", "x")] {
            environment.set(name, value).unwrap();
        }
        environment.set("RANDOM_DELAY", "45").unwrap();
        let names: Vec<&str> = environment.variables.keys().map(String::as_str).collect();
        assert_eq!(names, ["HOME", "PATH"]);
        assert_eq!((environment.zone.as_deref(), environment.home.as_deref()), (Ok("Asia/Tokyo"), Some("/srv")));
        assert_eq!(environment.random_delay, Some(45));
        assert!(environment.set("BELFRY_RUN_ID", "1").unwrap_err().contains("another name"));
        assert!(environment.set("TZ", "Mars/Olympus").is_err() && environment.zone.is_err());
    }
}
