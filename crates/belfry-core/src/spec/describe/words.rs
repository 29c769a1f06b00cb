//! Sets of small numbers, as words.

/// The members of `bits`, ascending.
pub(in crate::spec) fn members(bits: u64) -> Vec<u8> {
    (0..64).filter(|value| bits >> value & 1 == 1).collect()
}

/// What a field's set looks like, seen in its field of the values `0..size`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    All,
    One(u8),
    /// Every `step`, also across the end of the field into its next turn.
    Cycle {
        first: u8,
        last: u8,
        step: u8,
    },
    /// Every `step` from `first` to `last`, at least three of them.
    Steps {
        first: u8,
        last: u8,
        step: u8,
    },
    List(Vec<u8>),
}

pub(super) fn shape(bits: u64, size: u8) -> Shape {
    let values = members(bits);
    match *values.as_slice() {
        [only] => Shape::One(only),
        [first, second, .., last] if values.windows(2).all(|pair| pair[1] - pair[0] == second - first) => {
            let step = second - first;
            match (step, first + size - last == step) {
                (1, true) => Shape::All,
                (_, true) => Shape::Cycle { first, last, step },
                (_, false) => Shape::Steps { first, last, step },
            }
        }
        [first, second] if (second - first) * 2 == size => Shape::Cycle { first, last: second, step: second - first },
        _ => Shape::List(values),
    }
}

/// "1", "1 and 2", "1, 2 and 3".
pub(in crate::spec) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

/// Neighbours of three and more are drawn together: "1 to 5 and 9".
pub(in crate::spec) fn runs(values: &[u8], word: impl Fn(u8) -> String) -> String {
    let parts: Vec<String> = values
        .chunk_by(|a, b| a + 1 == *b)
        .flat_map(|run| match *run {
            [first, _, .., last] if run.len() > 2 => vec![format!("{} to {}", word(first), word(last))],
            _ => run.iter().map(|value| word(*value)).collect(),
        })
        .collect();
    list(&parts)
}

pub(in crate::spec) fn ordinal(value: u8) -> String {
    let ending = match (value % 10, value / 10) {
        (_, 1) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{value}{ending}")
}
