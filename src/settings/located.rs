//! The configuration as a tree in JSON's shape, each value with its place in the sources.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::diagnostic::Place;

/// A value and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Located {
    pub(crate) place: Place,
    pub(crate) node: Node,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// A text, number or boolean, or a whole list of words.
    Scalar(Value),
    /// Items.
    List(Vec<Located>),
    /// Fields.
    Table(Table),
}

/// Fields by their JSON names.
pub(crate) type Table = BTreeMap<String, Located>;

impl Located {
    /// A value without fields.
    pub(crate) fn scalar(place: Place, value: Value) -> Self {
        Self { place, node: Node::Scalar(value) }
    }

    /// The same as plain JSON.
    pub(crate) fn to_json(&self) -> Value {
        match &self.node {
            Node::Scalar(value) => value.clone(),
            Node::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Node::Table(table) => Value::Object(to_json(table)),
        }
    }

    fn child(&self, step: &str) -> Option<&Self> {
        match &self.node {
            Node::Table(table) => table.get(step),
            Node::List(items) => items.get(step.parse::<usize>().ok()?),
            Node::Scalar(_) => None,
        }
    }
}

/// A table as plain JSON.
pub(crate) fn to_json(table: &Table) -> Map<String, Value> {
    table.iter().map(|(name, value)| (name.clone(), value.to_json())).collect()
}

/// The place of the value at `path` (fields and indexes), or of the last step that is written.
pub(crate) fn place_of(table: &Table, path: &[&str]) -> Place {
    let Some((first, rest)) = path.split_first() else {
        return Place::default();
    };
    let Some(mut at) = table.get(*first) else {
        return Place::default();
    };
    for step in rest {
        match at.child(step) {
            Some(child) => at = child,
            None => break,
        }
    }
    at.place
}

/// The table at a dotted path, made where it is missing; the last step is returned with it.
pub(crate) fn enter<'t, 'p>(
    table: &'t mut Table,
    path: &'p str,
    place: Place,
) -> (&'t mut Table, &'p str) {
    let Some((head, tail)) = path.split_once('.') else {
        return (table, path);
    };
    let entry = table
        .entry(head.to_owned())
        .or_insert_with(|| Located { place, node: Node::Table(Table::new()) });
    if !matches!(entry.node, Node::Table(_)) {
        entry.node = Node::Table(Table::new());
    }
    match &mut entry.node {
        Node::Table(inner) => enter(inner, tail, place),
        Node::Scalar(_) | Node::List(_) => unreachable!("made a table above"),
    }
}

/// Lays `over` on top of `table`: tables merge, all else is replaced.
pub(crate) fn overlay(table: &mut Table, over: Table) {
    for (name, value) in over {
        match (table.get_mut(&name), value) {
            (
                Some(Located { node: Node::Table(below), .. }),
                Located { node: Node::Table(above), .. },
            ) => overlay(below, above),
            (_, value) => {
                table.insert(name, value);
            }
        }
    }
}
