//! The `WHERE` of a list: only what is asked for, so that each question finds its index.

use belfry_core::ports::Page;
use tokio_postgres::types::ToSql;

#[derive(Default)]
pub struct Conditions {
    texts: Vec<String>,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Conditions {
    /// Adds `text`, whose one `?` stands for `value`.
    pub fn and(&mut self, text: &str, value: impl ToSql + Sync + Send + 'static) {
        self.values.push(Box::new(value));
        self.texts.push(text.replace('?', &format!("${}", self.values.len())));
    }

    /// Adds `text`, whose two `?` stand for `first` and `second`.
    pub fn and_two(&mut self, text: &str, first: impl ToSql + Sync + Send + 'static, second: impl ToSql + Sync + Send + 'static) {
        self.values.push(Box::new(first));
        self.values.push(Box::new(second));
        let count = self.values.len();
        self.texts.push(text.replacen('?', &format!("${}", count - 1), 1).replacen('?', &format!("${count}"), 1));
    }

    pub fn and_if<T: ToSql + Sync + Send + 'static>(&mut self, text: &str, value: Option<T>) {
        if let Some(value) = value {
            self.and(text, value);
        }
    }

    /// Adds `text`, or that it does not hold. Not compared with a value: plans depend on which of the two is asked.
    pub fn and_whether(&mut self, holds: Option<bool>, text: &str) {
        match holds {
            Some(true) => self.and_that(text),
            Some(false) => self.and_that(&format!("NOT ({text})")),
            None => {}
        }
    }

    /// Adds a condition without a value.
    pub fn and_that(&mut self, text: &str) {
        self.texts.push(text.to_owned());
    }

    /// `select` under the conditions, in `order`, one more row than `limit`, which tells whether more follow.
    pub fn statement(&mut self, select: &str, order: &str, limit: usize) -> String {
        let (conditions, limit) = (self.all(), self.limit(limit));
        format!("{select} WHERE {conditions} ORDER BY {order} LIMIT {limit}")
    }

    pub fn all(&self) -> String {
        if self.texts.is_empty() { "TRUE".to_owned() } else { self.texts.join("\n AND ") }
    }

    /// The parameter that stands for one more than `limit`.
    pub fn limit(&mut self, limit: usize) -> String {
        self.values.push(Box::new(one_more(limit)));
        format!("${}", self.values.len())
    }

    pub fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
    }
}

pub fn one_more(limit: usize) -> i64 {
    as_limit(limit).saturating_add(1)
}

pub fn as_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The page of `items`, of which one more than `limit` were asked for.
pub fn page<T>(mut items: Vec<T>, limit: usize) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    Page { items, more }
}
