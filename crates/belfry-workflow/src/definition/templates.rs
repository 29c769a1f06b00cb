//! Templates and expressions: that they can be read, and that what they name can be there when they are rendered.
//!
//! What only a run can tell (`nodes[input.which]`, the fields of an output) is left to the run. Nothing is rendered here.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};

use belfry_core::definition::{Edge, Node};
use belfry_core::node::{COMMAND, CONDITION};
use belfry_core::violation::{Violations, escape};
use minijinja::Environment;
use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;
use serde_json::{Value, json};

use super::{Indexed, Lists};
use crate::read::{one_of, perhaps};

/// What a template sees; the worker's context has the same names.
const ROOTS: [&str; 3] = ["input", "nodes", "run"];
/// minijinja builds a level of its tree for each operator of a chain (`a.b.c…`, `1+1+…`) and walks the tree recursively. One
/// template of a few thousand would overflow the stack, and end the process.
const MOST_TOKENS: usize = 1_000;
/// Each `elif` is a level too.
const MOST_BRANCHES: usize = 200;
const TEMPLATE: &str = "text with `{{ expression }}` and `{% statement %}` of Jinja; `{{ '{{' }}` writes the braces themselves";
const EXPRESSION: &str = "an expression without braces, such as `nodes.fetch.output.status == 200`";

pub(super) fn check(lists: &Lists, nodes: &Indexed<Node>, edges: &Indexed<Edge>, violations: &mut Violations) {
    let environment = Environment::new();
    // As sent: a template that names a node whose parameters are wrong is not wrong too.
    let ids: Vec<&str> = lists.nodes.iter().filter_map(|node| node.get("id")?.as_str()).collect();
    // An edge that could not be read may lead anywhere.
    let sources = (edges.len() == lists.edges.len()).then(|| sources(edges));
    for (index, node) in nodes {
        let before = sources.as_ref().map(|sources| before(&node.id, sources));
        let mut checker = Checker { environment: &environment, ids: &ids, before, violations: Violations::default() };
        checker.node(node);
        violations.append_under(&format!("/nodes/{index}/parameters"), checker.violations);
    }
}

/// The nodes from which an edge leads to each node.
fn sources(edges: &Indexed<Edge>) -> HashMap<&str, Vec<&str>> {
    let mut sources: HashMap<&str, Vec<&str>> = HashMap::new();
    for (_, edge) in edges {
        sources.entry(&edge.to).or_default().push(&edge.from);
    }
    sources
}

/// The nodes from which a path leads to `node`: those that have ended when it begins.
fn before<'a>(node: &str, sources: &HashMap<&str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut before = BTreeSet::new();
    let mut waiting: Vec<&str> = sources.get(node).cloned().unwrap_or_default();
    while let Some(next) = waiting.pop() {
        if before.insert(next) {
            waiting.extend(sources.get(next).into_iter().flatten());
        }
    }
    before
}

struct Checker<'a> {
    environment: &'a Environment<'a>,
    ids: &'a [&'a str],
    before: Option<BTreeSet<&'a str>>,
    violations: Violations,
}

impl Checker<'_> {
    /// The same strings in the same ways as the worker renders them.
    fn node(&mut self, node: &Node) {
        let parameter = |name: &str| node.parameters.get(name);
        let text = |name: &str| parameter(name).and_then(Value::as_str);
        match node.kind.as_str() {
            "http" => {
                text("url").into_iter().for_each(|url| self.text("/url", url));
                parameter("headers").into_iter().for_each(|headers| self.value("/headers", headers));
                parameter("body").into_iter().for_each(|body| self.value("/body", body));
            }
            // But not `shell`, whose braces are the shell's own.
            COMMAND => {
                text("cwd").into_iter().for_each(|cwd| self.text("/cwd", cwd));
                for name in ["argv", "env", "stdin"] {
                    parameter(name).into_iter().for_each(|value| self.value(&format!("/{name}"), value));
                }
            }
            "log" => text("message").into_iter().for_each(|message| self.text("/message", message)),
            "set" => parameter("values").into_iter().for_each(|values| self.value("/values", values)),
            "wait" => text("until").into_iter().for_each(|until| self.text("/until", until)),
            CONDITION => text("expression").into_iter().for_each(|expression| self.condition("/expression", expression)),
            _ => {}
        }
    }

    fn value(&mut self, pointer: &str, value: &Value) {
        match value {
            Value::String(template) => self.text(pointer, template),
            Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| self.value(&format!("{pointer}/{index}"), item)),
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| self.value(&format!("{pointer}/{}", escape(name)), value));
            }
            _ => {}
        }
    }

    fn text(&mut self, pointer: &str, template: &str) {
        let Some(set) = self.outline(pointer, template, false) else { return };
        match self.environment.template_from_str(template) {
            Ok(compiled) => self.names(pointer, template, &compiled.undeclared_variables(true), &set),
            Err(error) => self.unreadable(pointer, template, "template", &error),
        }
    }

    fn condition(&mut self, pointer: &str, expression: &str) {
        let beginning = expression.trim_start();
        // Both have been answered with the node's other parameters.
        if beginning.is_empty() || beginning.starts_with("{{") {
            return;
        }
        let Some(set) = self.outline(pointer, expression, true) else { return };
        match self.environment.compile_expression(expression) {
            Ok(compiled) => self.names(pointer, expression, &compiled.undeclared_variables(true), &set),
            Err(error) => self.unreadable(pointer, expression, "expression", &error),
        }
    }

    fn unreadable(&mut self, pointer: &str, template: &str, what: &str, error: &minijinja::Error) {
        let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        let line = error.line().filter(|_| template.contains('\n')).map(|line| format!(" (line {line})")).unwrap_or_default();
        let expected = if what == "template" { TEMPLATE } else { EXPRESSION };
        self.violations.add(pointer, Some(json!(template)), format!("the {what} cannot be read: {reason}{line}"), expected);
    }

    /// The names that the template sets somewhere; `None` when it is too large to be parsed.
    fn outline<'t>(&mut self, pointer: &str, template: &'t str, is_expression: bool) -> Option<HashSet<&'t str>> {
        let set = outline(template, is_expression);
        if set.is_none() {
            let expected = format!("at most {MOST_TOKENS} names, values and signs between two braces, and {MOST_BRANCHES} `elif` in all");
            self.violations.add(pointer, Some(json!(template)), "the template is too large to be read", expected);
        }
        set
    }

    /// `undeclared` are paths such as `nodes.fetch.output`. minijinja ends the life of what is `set` inside an `if` at its end,
    /// but only in this list: such names may be there when it is rendered.
    fn names(&mut self, pointer: &str, template: &str, undeclared: &HashSet<String>, set: &HashSet<&str>) {
        let path = |name: &'_ String| -> (String, Option<String>) {
            let mut segments = name.split('.').map(str::to_owned);
            (segments.next().unwrap_or_default(), segments.next())
        };
        let paths: BTreeSet<(String, Option<String>)> =
            undeclared.iter().map(path).filter(|(root, _)| !set.contains(root.as_str())).collect();
        let roots: BTreeSet<&str> = paths.iter().map(|(root, _)| root.as_str()).collect();
        for root in roots {
            if !ROOTS.contains(&root) && !self.environment.globals().any(|(global, _)| global == root) {
                let detail = format!("`{root}` is not known{}", perhaps(root, &ROOTS));
                self.violations.add(pointer, Some(json!(template)), detail, one_of(&ROOTS));
            }
        }
        for (root, id) in &paths {
            if let Some(id) = id.as_deref().filter(|_| root == "nodes") {
                self.names_node(pointer, template, id);
            }
        }
    }

    fn names_node(&mut self, pointer: &str, template: &str, id: &str) {
        let Some(before) = self.before.as_ref() else {
            if !self.ids.contains(&id) {
                let detail = format!("there is no node `{id}`{}", perhaps(id, self.ids));
                self.violations.add(pointer, Some(json!(template)), detail, "the id of a node that comes before");
            }
            return;
        };
        if before.contains(id) {
            return;
        }
        let detail = if self.ids.contains(&id) {
            format!("no path leads from node `{id}` to this one, so its output is not there")
        } else {
            format!("there is no node `{id}`{}", perhaps(id, self.ids))
        };
        let nearby: Vec<&str> = before.iter().copied().take(10).collect();
        let expected = if nearby.is_empty() {
            "an edge from that node: none leads here yet".to_owned()
        } else {
            format!("a node that comes before: {}", one_of(&nearby))
        };
        self.violations.add(pointer, Some(json!(template)), detail, expected);
    }
}

/// Whether something in `text`, which is no template, looks as if it was meant to be one.
pub(super) fn names_a_root(text: &str) -> bool {
    text.split("{{").skip(1).any(|inner| {
        let name = inner.trim_start_matches(['-', '+']).trim_start();
        let name = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
        name.is_some_and(|name| ROOTS.contains(&name))
    })
}

/// Reads the tokens alone, which takes no recursion.
fn outline(template: &str, is_expression: bool) -> Option<HashSet<&str>> {
    let mut set = HashSet::new();
    let (mut tokens, mut branches, mut sets) = (0, 0, false);
    // What is no token is answered by the parser, which stops there too.
    for (token, _) in tokenize(template, is_expression, SyntaxConfig::default()).map_while(Result::ok) {
        tokens += 1;
        match token {
            Token::VariableStart | Token::BlockStart | Token::TemplateData(_) => tokens = 0,
            Token::Ident("elif") => branches += 1,
            Token::Ident("set") if tokens == 1 => sets = true,
            Token::Assign | Token::BlockEnd => sets = false,
            Token::Ident(name) if sets => drop(set.insert(name)),
            _ => {}
        }
        if tokens > MOST_TOKENS || branches > MOST_BRANCHES {
            return None;
        }
    }
    Some(set)
}
