//! The shape of a value in JSON, with the named shapes that it speaks of.

use serde_json::{Value, json};
use utoipa::ToSchema;

/// A JSON Schema (2020-12).
#[derive(Clone)]
pub(in crate::api) struct Schema {
    /// What stands where it is used.
    pub(in crate::api) shown: Value,
    /// What stands under `components/schemas`, by name.
    pub(super) components: Vec<(String, Value)>,
}

impl Schema {
    /// A shape without a name.
    pub(in crate::api) const fn of(shown: Value) -> Self {
        Self { shown, components: Vec::new() }
    }

    /// Any text.
    pub(in crate::api) fn text() -> Self {
        Self::of(json!({"type": "string"}))
    }

    /// A shape that has a name.
    pub(in crate::api) fn named(name: &str, value: Value) -> Self {
        Self::of(value).call(name)
    }

    /// The shape of what is serialised.
    pub(in crate::api) fn of_type<T: ToSchema>() -> Self {
        Self::fields_of_type::<T>().call(&T::name())
    }

    /// The same in place, to be added to.
    pub(in crate::api) fn fields_of_type<T: ToSchema>() -> Self {
        let mut named = Vec::new();
        T::schemas(&mut named);
        let value = |schema| serde_json::to_value(schema).unwrap_or_default();
        let components = named.into_iter().map(|(name, schema)| (name, value(schema)));
        Self { shown: value(T::schema()), components: components.collect() }
    }

    /// The same by that name.
    pub(in crate::api) fn call(mut self, name: &str) -> Self {
        let reference = json!({"$ref": format!("#/components/schemas/{name}")});
        let value = std::mem::replace(&mut self.shown, reference);
        self.components.push((name.to_owned(), value));
        self
    }

    /// What `around` makes of it, such as a list of it.
    pub(in crate::api) fn map(self, around: impl FnOnce(Value) -> Value) -> Self {
        Self { shown: around(self.shown), components: self.components }
    }

    /// The same, with what `other` speaks of.
    pub(in crate::api) fn speaking_of(mut self, other: &Self) -> Self {
        self.components.extend(other.components.iter().cloned());
        self
    }
}
