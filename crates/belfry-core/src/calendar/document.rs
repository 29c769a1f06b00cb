//! Reading JSON objects field by field, so that everything that is wrong is found at once and said with its place.

use serde_json::{Map, Value};

use crate::violation::{Violations, escape, nearest};

/// An object that is being read, and what was found to be wrong with it. Pointers begin at the object.
pub(crate) struct Document<'a> {
    fields: &'a Map<String, Value>,
    pub violations: Violations,
}

/// An item of a list, with its pointer.
pub(crate) struct Item<'a> {
    pub pointer: String,
    pub value: &'a Value,
}

impl<'a> Document<'a> {
    /// `known` are the fields that the object may have; any other is answered with the nearest of them.
    pub fn open(value: &'a Value, known: &[&str]) -> Result<Document<'a>, Violations> {
        let mut violations = Violations::default();
        let Value::Object(fields) = value else {
            violations.add("", Some(value.clone()), "it is no object", format!("an object with some of {}", quoted(known)));
            return Err(violations);
        };
        for (name, found) in fields.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            let perhaps = nearest(name, known.iter().copied()).map(|near| format!("; perhaps `{near}`")).unwrap_or_default();
            let detail = format!("`{name}` is no field here{perhaps}");
            violations.add(format!("/{}", escape(name)), Some(found.clone()), detail, quoted(known));
        }
        Ok(Document { fields, violations })
    }

    /// The field `name`; null is as good as absent.
    pub fn given(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    pub fn text(&mut self, name: &str, expected: &str) -> Option<&'a str> {
        let found = self.given(name)?;
        if found.as_str().is_none() {
            self.wrong(name, "it is no text", expected);
        }
        found.as_str()
    }

    /// The items of the field `name`: one value counts as a list of one. `None` when it is absent.
    pub fn items(&mut self, name: &str, most: usize, expected: &str) -> Option<Vec<Item<'a>>> {
        let found = self.given(name)?;
        let Value::Array(items) = found else {
            return Some(vec![Item { pointer: format!("/{name}"), value: found }]);
        };
        if items.len() > most {
            self.wrong(name, format!("it has {} items", items.len()), format!("at most {most} of: {expected}"));
            return Some(Vec::new());
        }
        let item = |(index, value)| Item { pointer: format!("/{name}/{index}"), value };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// Reads each item of the field `name`; those that are wrong are left out and reported.
    pub fn each<T>(&mut self, name: &str, most: usize, expected: &str, read: impl Fn(&Value) -> Result<T, String>) -> Option<Vec<T>> {
        let mut all = Vec::new();
        for item in self.items(name, most, expected)? {
            match read(item.value) {
                Ok(read) => all.push(read),
                Err(detail) => self.violations.add(item.pointer, Some(item.value.clone()), detail, expected),
            }
        }
        Some(all)
    }

    /// Records that the field `name` is wrong.
    pub fn wrong(&mut self, name: &str, detail: impl Into<String>, expected: impl Into<String>) {
        self.violations.add(format!("/{name}"), self.given(name).cloned(), detail, expected);
    }
}

/// The item as text, for readers given to [`Document::each`].
pub(crate) fn as_text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "it is no text".to_owned())
}

fn quoted(names: &[&str]) -> String {
    format!("`{}`", names.join("`, `"))
}
