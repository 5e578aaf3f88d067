//! An address of the API: its routes, and what `/openapi.json` says of them.
//!
//! Both are made from this one value, so that neither can be without the other; the refusal of
//! other methods is, too.

use actix_web::http::Method;
use actix_web::{Resource, Route, guard, web};

use super::error::ApiError;
use super::openapi::About;

/// GET, and HEAD by the same handler: the server leaves the body out.
pub(super) const READ: &[Method] = &[Method::GET, Method::HEAD];
/// GET alone: the answer has no end, or is signed with its body.
pub(super) const GET: &[Method] = &[Method::GET];
pub(super) const PUT: &[Method] = &[Method::PUT];
pub(super) const POST: &[Method] = &[Method::POST];
pub(super) const DELETE: &[Method] = &[Method::DELETE];

/// One address below some base.
pub(super) struct Address {
    path: &'static str,
    /// Whether strangers are not even told which methods it knows.
    is_guarded: bool,
    operations: Vec<Operation>,
}

/// What can be done at an address.
struct Operation {
    methods: &'static [Method],
    route: Route,
    /// Made for the document only: there are routes for each thread.
    about: Box<dyn Fn() -> About>,
}

impl Address {
    /// An address for users; `path` is a pattern of actix such as `/streams/{name}`.
    pub(super) const fn guarded(path: &'static str) -> Self {
        Self { path, is_guarded: true, operations: Vec::new() }
    }

    /// An address that looks itself at who asks, if anybody must.
    pub(super) const fn open(path: &'static str) -> Self {
        Self { path, is_guarded: false, operations: Vec::new() }
    }

    /// The same, with `methods` answered by `route`.
    pub(super) fn on(
        mut self,
        methods: &'static [Method],
        route: Route,
        about: impl Fn() -> About + 'static,
    ) -> Self {
        self.operations.push(Operation { methods, route, about: Box::new(about) });
        self
    }

    /// Whether it is for users.
    pub(super) const fn is_guarded(&self) -> bool {
        self.is_guarded
    }

    /// As OpenAPI writes it, which knows no patterns: `{name:.+}` is `{name}`.
    pub(super) fn template(&self) -> String {
        let parts = self.path.split_inclusive('}').map(|part| match part.split_once(':') {
            Some((name, _)) => format!("{name}}}"),
            None => part.to_owned(),
        });
        parts.collect()
    }

    /// Each method with what is to be said of it.
    pub(super) fn operations(&self) -> impl Iterator<Item = (&'static Method, About)> {
        self.operations.iter().flat_map(|operation| {
            operation.methods.iter().map(|method| (method, (operation.about)()))
        })
    }

    /// The same for the server. Refuses all methods but those of its routes.
    pub(super) fn resource(self) -> Resource {
        let methods = self.operations.iter().flat_map(|operation| operation.methods);
        let methods: Vec<&str> = methods.map(Method::as_str).collect();
        let allow = methods.join(", ");
        let refuse = move || {
            let refusal = ApiError::method_not_allowed(allow.clone());
            async move { Err::<String, _>(refusal) }
        };
        let resource = web::resource(self.path).default_service(web::to(refuse));
        let routes = self.operations.into_iter().map(|operation| {
            let is_wanted = move |context: &guard::GuardContext<'_>| {
                operation.methods.contains(&context.head().method)
            };
            operation.route.guard(guard::fn_guard(is_wanted))
        });
        routes.fold(resource, Resource::route)
    }
}
