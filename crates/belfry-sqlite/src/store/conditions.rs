//! The `WHERE` of a list: only what is asked for, so that each question finds its index.

use rusqlite::ToSql;

use belfry_core::ports::Page;

#[derive(Default)]
pub struct Conditions {
    texts: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    /// Adds `text`, whose one `?` stands for `value`.
    pub fn and(&mut self, text: &str, value: impl ToSql + 'static) {
        self.texts.push(text.to_owned());
        self.values.push(Box::new(value));
    }

    /// Adds `text`, whose two `?` stand for `first` and `second`.
    pub fn and_two(&mut self, text: &str, first: impl ToSql + 'static, second: impl ToSql + 'static) {
        self.and(text, first);
        self.values.push(Box::new(second));
    }

    pub fn and_if<T: ToSql + 'static>(&mut self, text: &str, value: Option<T>) {
        if let Some(value) = value {
            self.and(text, value);
        }
    }

    /// Adds a condition without a value.
    pub fn and_that(&mut self, text: &str) {
        self.texts.push(text.to_owned());
    }

    /// The conditions, joined; true where there are none.
    pub fn text(&self) -> String {
        if self.texts.is_empty() { "TRUE".to_owned() } else { self.texts.join("\n AND ") }
    }

    /// The values, and last the number of rows to ask for: one more than `limit`, which tells whether more follow.
    pub fn values(mut self, limit: usize) -> Vec<Box<dyn ToSql>> {
        self.values.push(Box::new(one_more(limit)));
        self.values
    }
}

pub fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

/// The page of `items`, of which one more than `limit` were asked for.
pub fn page<T>(mut items: Vec<T>, limit: usize) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    Page { items, more }
}
