//! What the document says of one operation: what it takes and every answer that it has.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Schema;

/// What is said of an operation.
pub(in crate::api) struct About {
    summary: Cow<'static, str>,
    details: &'static str,
    access: Access,
    parameters: Vec<Value>,
    /// By media type.
    body: Vec<(&'static str, Schema)>,
    answers: BTreeMap<u16, Answer>,
    /// Statuses of refusals that say why.
    refusals: BTreeSet<u16>,
}

/// Who may do it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Users,
    Everybody,
    Peers,
}

struct Answer {
    description: &'static str,
    headers: Map<String, Value>,
    content: Vec<(&'static str, Schema)>,
}

/// What reading a body can end with: no JSON, too slow, too large.
const OF_BODIES: [u16; 3] = [400, 408, 413];
/// What the guard answers: who are you, no, too often, busy; and what is our fault.
const OF_USERS: [u16; 5] = [401, 403, 429, 500, 503];
/// What a change of the settings can end with, besides what the guard answers.
const OF_CHANGES: [u16; 4] = [400, 409, 412, 507];

pub(in crate::api) const JSON: &str = "application/json";

impl About {
    /// For users.
    pub(in crate::api) fn new(summary: impl Into<Cow<'static, str>>) -> Self {
        Self {
            summary: summary.into(),
            details: "",
            access: Access::Users,
            parameters: Vec::new(),
            body: Vec::new(),
            answers: BTreeMap::new(),
            refusals: OF_USERS.into(),
        }
    }

    /// For everybody.
    pub(in crate::api) fn open(summary: &'static str) -> Self {
        Self { access: Access::Everybody, refusals: BTreeSet::new(), ..Self::new(summary) }
    }

    /// For peers: signed, and answered signed; to a stranger every refusal looks the same.
    pub(in crate::api) fn signed(summary: &'static str) -> Self {
        let peers = Self { access: Access::Peers, ..Self::open(summary) };
        peers.empty(401, "not signed, not by a key that is known, or not for this node")
    }

    /// More about it.
    pub(in crate::api) fn details(self, details: &'static str) -> Self {
        Self { details, ..self }
    }

    /// A parameter of the query.
    pub(in crate::api) fn query(
        self,
        name: &'static str,
        description: &'static str,
        schema: Value,
    ) -> Self {
        let parameter = json!({"name": name, "in": "query", "description": description});
        self.parameter(parameter, schema)
    }

    fn header(self, name: &'static str, description: &'static str) -> Self {
        let parameter = json!({"name": name, "in": "header", "description": description});
        self.parameter(parameter, json!({"type": "string"}))
    }

    /// Any parameter.
    pub(in crate::api) fn parameter(mut self, mut parameter: Value, schema: Value) -> Self {
        parameter["schema"] = schema;
        self.parameters.push(parameter);
        self
    }

    /// A body, in one of these forms.
    pub(in crate::api) fn takes(
        self,
        body: impl IntoIterator<Item = (&'static str, Schema)>,
    ) -> Self {
        self.asks(body).refuses(&OF_BODIES)
    }

    /// The same, where no refusal says why.
    pub(in crate::api) fn asks(
        mut self,
        body: impl IntoIterator<Item = (&'static str, Schema)>,
    ) -> Self {
        self.body.extend(body);
        self
    }

    /// An answer, in one of these forms.
    pub(in crate::api) fn answers(
        mut self,
        status: u16,
        description: &'static str,
        content: impl IntoIterator<Item = (&'static str, Schema)>,
    ) -> Self {
        let content = content.into_iter().collect();
        self.answers.insert(status, Answer { description, headers: Map::new(), content });
        self
    }

    /// An answer in JSON.
    pub(in crate::api) fn json(
        self,
        status: u16,
        description: &'static str,
        schema: Schema,
    ) -> Self {
        self.answers(status, description, [(JSON, schema)])
    }

    /// An answer without a body.
    pub(in crate::api) fn empty(self, status: u16, description: &'static str) -> Self {
        self.answers(status, description, [])
    }

    /// Refusals that say why, by their status.
    pub(in crate::api) fn refuses(mut self, statuses: &[u16]) -> Self {
        self.refusals.extend(statuses);
        self
    }

    /// A header that the good answer carries where there is something to say.
    pub(in crate::api) fn with(mut self, header: &'static str, description: &'static str) -> Self {
        if let Some(answer) = self.answers.values_mut().next() {
            let value = json!({"description": description, "schema": {"type": "string"}});
            answer.headers.insert(header.to_owned(), value);
        }
        self
    }

    /// Changes the settings, where `If-Match` still holds.
    pub(in crate::api) fn changes_settings(self) -> Self {
        self.header("If-Match", "`ETag` of what is to be changed, or `*`; else 412")
            .header("If-None-Match", "`*`: only if it is not there yet; else 412")
            .refuses(&OF_CHANGES)
    }

    /// As the document has it.
    pub(super) fn operation(
        &self,
        is_write: bool,
        has_body: bool,
        components: &mut BTreeMap<String, Value>,
    ) -> Map<String, Value> {
        let mut operation = Map::new();
        let mut say = |name: &str, value: Value| operation.insert(name.to_owned(), value);
        say("summary", json!(self.summary));
        if !self.details.is_empty() {
            say("description", json!(self.details));
        }
        if let Some(security) = self.security(is_write) {
            say("security", security);
        }
        if !self.parameters.is_empty() {
            say("parameters", json!(self.parameters));
        }
        if !self.body.is_empty() {
            let content = content(&self.body, components);
            say("requestBody", json!({"required": true, "content": content}));
        }
        let mut responses = Map::new();
        for (status, answer) in &self.answers {
            let mut response = json!({"description": answer.description});
            if !answer.headers.is_empty() {
                response["headers"] = json!(answer.headers);
            }
            if !answer.content.is_empty() && has_body {
                response["content"] = content(&answer.content, components);
            }
            responses.insert(status.to_string(), response);
        }
        for status in &self.refusals {
            let kind = if has_body { "" } else { "Bare" };
            let reference = format!("#/components/responses/{kind}{status}");
            responses.insert(status.to_string(), json!({"$ref": reference}));
        }
        say("responses", Value::Object(responses));
        operation
    }

    /// Where it is not as for all reads.
    fn security(&self, is_write: bool) -> Option<Value> {
        match self.access {
            Access::Everybody => Some(json!([])),
            Access::Peers => Some(json!([{"peer": []}])),
            Access::Users if is_write => {
                Some(json!([{"basic": []}, {"bearer": []}, {"cookie": [], "token": []}]))
            }
            Access::Users => None,
        }
    }
}

fn content(forms: &[(&'static str, Schema)], components: &mut BTreeMap<String, Value>) -> Value {
    let form = |(media_type, schema): &(&'static str, Schema)| {
        components.extend(schema.components.iter().cloned());
        ((*media_type).to_owned(), json!({"schema": schema.shown}))
    };
    Value::Object(forms.iter().map(form).collect())
}
