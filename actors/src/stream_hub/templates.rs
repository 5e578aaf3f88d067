//! Which template makes the stream of a name.

use super::messages::TemplateSpec;
use crate::live_stream::StreamSpec;
use crate::names::StreamName;

/// The templates of a node, and how many streams they may make.
#[derive(Debug, Default)]
pub(super) struct Templates {
    specs: Vec<TemplateSpec>,
    pub(super) streams_max: usize,
}

impl Templates {
    pub(super) const fn new(specs: Vec<TemplateSpec>, streams_max: usize) -> Self {
        Self { specs, streams_max }
    }

    /// What the stream `name` is made from, by the template with the longest prefix above it.
    pub(super) fn spec_of(&self, name: &StreamName) -> Option<StreamSpec> {
        let above = self.specs.iter().filter(|template| is_below(&template.prefix, name));
        let nearest = above.max_by_key(|template| template.prefix.as_str().len())?;
        Some(StreamSpec { name: name.clone(), is_from_template: true, ..nearest.stream.clone() })
    }
}

fn is_below(prefix: &StreamName, name: &StreamName) -> bool {
    let rest = name.as_str().strip_prefix(prefix.as_str());
    rest.is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live_stream::tests::spec;

    fn template(prefix: &str, segment_count: usize) -> TemplateSpec {
        let stream = StreamSpec { segment_count, ..spec(Vec::new()) };
        TemplateSpec { prefix: prefix.parse().unwrap(), stream }
    }

    #[test]
    fn name_belongs_to_the_longest_prefix_of_whole_parts_above_it() {
        let templates = Templates::new(vec![template("a", 2), template("a/b", 3)], 9);
        let made = |name: &str| {
            let spec = templates.spec_of(&name.parse().unwrap())?;
            assert!(spec.name.as_str() == name && spec.is_from_template);
            Some(spec.segment_count)
        };
        assert_eq!(made("a/x"), Some(2));
        assert_eq!(made("a/b"), Some(2));
        assert_eq!(made("a/bc/d"), Some(2));
        assert_eq!(made("a/b/c"), Some(3));
        for name in ["a", "ab", "ab/c", "b/a/x"] {
            assert_eq!(made(name), None, "{name}");
        }
    }
}
