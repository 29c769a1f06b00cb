//! One question a line in, one answer a line out, in order; a bad line is answered with its error.
//!
//! The way of a plain question is short: its texts are borrowed from the line, zones are looked up once, and the answer is
//! written by hand.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use belfry_core::time::UnixMillis;
use serde_json::Value;

use super::question::{Question, Zones};

/// The longest line; a longer one is bad.
const LONGEST_LINE: usize = 256 * 1024;
const BUFFER: usize = 64 * 1024;

/// Answers until the input ends. What was asked is answered before more input is waited for. `now` stands for an absent
/// `after`.
pub fn answer(input: impl Read, output: impl Write, now: UnixMillis) -> io::Result<()> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let mut output = BufWriter::with_capacity(BUFFER, output);
    let mut zones = Zones::default();
    let mut line = Vec::new();
    loop {
        if input.buffer().is_empty() {
            output.flush()?;
        }
        line.clear();
        let length = input.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut line)?;
        if length == 0 {
            return output.flush();
        }
        if length > LONGEST_LINE && !line.ends_with(b"\n") {
            input.skip_until(b'\n')?;
            write_error(&mut output, "null", &format!("a line is at most {LONGEST_LINE} bytes long"))?;
        } else if !line.trim_ascii().is_empty() {
            answer_line(&line, now, &mut zones, &mut output)?;
        }
    }
}

fn answer_line(line: &[u8], now: UnixMillis, zones: &mut Zones, output: &mut impl Write) -> io::Result<()> {
    let read = str::from_utf8(line).map_err(|_| "the line is no UTF-8".to_owned());
    match read.and_then(|line| serde_json::from_str::<Question>(line).map_err(|error| error.to_string())) {
        Ok(question) => {
            let id = question.id.map_or("null", |id| id.get());
            match times(&question, now, zones) {
                Ok(times) => write_times(output, id, &times),
                Err(error) => write_error(output, id, &error),
            }
        }
        // The line's id is told where it can be read at all.
        Err(error) => {
            let id = serde_json::from_slice::<Value>(line).ok().and_then(|value| value.get("id").cloned());
            write_error(output, &id.unwrap_or_default().to_string(), &error)
        }
    }
}

fn times(question: &Question, now: UnixMillis, zones: &mut Zones) -> Result<Vec<UnixMillis>, String> {
    let asked = question.read(now, zones)?;
    asked.content.times_after(asked.after, asked.count).map_err(|error| error.to_string())
}

fn write_times(output: &mut impl Write, id: &str, times: &[UnixMillis]) -> io::Result<()> {
    write!(output, "{{\"id\":{id},\"times\":[")?;
    for (number, at) in times.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        write!(output, "{comma}\"{at}\"")?;
    }
    output.write_all(b"]}\n")
}

fn write_error(output: &mut impl Write, id: &str, error: &str) -> io::Result<()> {
    write!(output, "{{\"id\":{id},\"error\":")?;
    serde_json::to_writer(&mut *output, error)?;
    output.write_all(b"}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(input: &[u8]) -> Vec<String> {
        let mut output = Vec::new();
        answer(input, &mut output, UnixMillis::EPOCH).unwrap();
        String::from_utf8(output).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_line_has_an_answer_in_order_whatever_is_wrong_with_it() {
        let mut input = Vec::new();
        input.extend_from_slice(br#"{"id": 1, "cron": "0 9 * * *", "count": 2}"#);
        input.extend_from_slice(b"\n\nnot json\n\xff\xfe\n");
        input.extend(std::iter::repeat_n(b' ', 2 * LONGEST_LINE));
        input.extend_from_slice(b"{}\n");
        input.extend_from_slice(b"{\"id\": {\"a\": 1}, \"corn\": \"0 9 * * *\"}\r\n");
        input.extend_from_slice(br#"{"id": "last", "cron": "\u0030 9 * * *", "timezone": "Asia/Tokyo"}"#);
        let answers = answered(&input);
        assert_eq!(answers.len(), 6);
        assert_eq!(answers[0], r#"{"id":1,"times":["1970-01-01T09:00:00Z","1970-01-02T09:00:00Z"]}"#);
        assert_eq!(answers[2], r#"{"id":null,"error":"the line is no UTF-8"}"#);
        assert_eq!(answers[3], r#"{"id":null,"error":"a line is at most 262144 bytes long"}"#);
        assert!(answers[1].starts_with(r#"{"id":null,"error":""#), "{}", answers[1]);
        assert!(answers[4].starts_with(r#"{"id":{"a":1},"error":"unknown field `corn`"#), "{}", answers[4]);
        assert_eq!(answers[5], r#"{"id":"last","times":["1970-01-02T00:00:00Z"]}"#);
    }

    #[test]
    fn every_kind_and_rule_is_understood() {
        let lines = [
            r#"{"id":1,"cron":"0 0 9 ? * 2","dialect":"quartz"}"#,
            r#"{"id":2,"every":"15m","start":"1970-01-01T00:05:00Z"}"#,
            r#"{"id":3,"at":"1970-01-01T09:00"}"#,
            r#"{"id":4,"rrule":"FREQ=MONTHLY;BYDAY=-1FR"}"#,
            r#"{"id":5,"calendar":{"business_day":-1,"at":"18:00"}}"#,
            r#"{"id":6,"cron":"30 2 * * *","timezone":"Europe/Berlin","after":"2026-03-29T00:00:00Z","gap":"shift"}"#,
            r#"{"id":7,"cron":"30 2 * * *","timezone":"Europe/Berlin","after":"2026-10-25T00:00:00Z","fold":"both","count":2}"#,
            r#"{"id":8,"cron":"0 0 13 * 5","dom_dow":"and"}"#,
        ];
        let expected = [
            r#"{"id":1,"times":["1970-01-05T09:00:00Z"]}"#,
            r#"{"id":2,"times":["1970-01-01T00:05:00Z"]}"#,
            r#"{"id":3,"times":["1970-01-01T09:00:00Z"]}"#,
            r#"{"id":4,"times":["1970-01-30T00:00:00Z"]}"#,
            r#"{"id":5,"times":["1970-01-30T18:00:00Z"]}"#,
            r#"{"id":6,"times":["2026-03-29T01:30:00Z"]}"#,
            r#"{"id":7,"times":["2026-10-25T00:30:00Z","2026-10-25T01:30:00Z"]}"#,
            r#"{"id":8,"times":["1970-02-13T00:00:00Z"]}"#,
        ];
        assert_eq!(answered(lines.join("\n").as_bytes()), expected);
    }

    #[test]
    fn an_error_names_the_field() {
        let lines = [
            (r#"{"id":1}"#, "give exactly one of cron, every, at, rrule and calendar"),
            (r#"{"id":1,"cron":"@daily","start":"1970-01-01T00:05:00Z"}"#, "start: it goes with every and rrule only"),
            (r#"{"id":1,"every":"1h","dialect":"quartz"}"#, "dialect: it goes with cron only"),
            (r#"{"id":1,"cron":"@daily","gap":"x"}"#, "gap: unknown variant `x`, expected one of `next`, `skip`, `shift`"),
            (r#"{"id":1,"cron":"@daily","count":0}"#, "count: 0 is not between 1 and 100000"),
            (r#"{"id":1,"calendar":{"business_day":1,"business_calendar":"DE","at":"9:00"}}"#, "calendar/at: "),
            (
                r#"{"id":1,"calendar":{"business_day":1,"business_calendar":"DE","at":"09:00"}}"#,
                "calendar/business_calendar: there is no calendar `DE`",
            ),
        ];
        for (line, error) in lines {
            let answer = answered(line.as_bytes()).remove(0);
            assert!(answer.starts_with(&format!(r#"{{"id":1,"error":"{error}"#)), "{answer}");
        }
    }
}
