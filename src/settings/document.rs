//! The configuration's files as they are: texts, what they include, and their directives.
//!
//! ```text
//! watershed.conf ── include conf.d/*.conf ──▶ conf.d/a.conf, conf.d/b.conf
//! ```
//!
//! Keeps every byte, so that a change can be written back where it belongs and nowhere else.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::diagnostic::{Place, Problem, SourceText};
use super::grammar::{self, Directive};
use super::schema::{self, Kind, Scope};

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// The most files of one configuration.
const FILES_MAX: usize = 1000;
/// How deep includes may nest.
const INCLUDE_DEPTH_MAX: usize = 8;

/// A configuration as text: the main file first, then the included ones as they were met.
#[derive(Clone, Default)]
pub(crate) struct Document {
    pub(crate) files: Vec<DocumentFile>,
    /// Top-level directives in their order of effect: file, index.
    order: Vec<(usize, usize)>,
}

/// One file.
#[derive(Clone)]
pub(crate) struct DocumentFile {
    pub(crate) path: PathBuf,
    pub(crate) source: SourceText,
    pub(crate) directives: Vec<Directive>,
}

/// Texts to take instead of what is on disk, by path.
pub(crate) type Overrides = BTreeMap<PathBuf, String>;

impl Document {
    /// Reads the file at `path` and all it includes.
    ///
    /// Errors: only when the main file cannot be read; all else is in the problems.
    pub(crate) fn read(path: &Path, texts: &Overrides) -> io::Result<(Self, Vec<Problem>)> {
        let text = read_text(path, texts)?;
        let mut reader = Reader { texts, document: Self::default(), problems: Vec::new() };
        reader.file(path, text, &mut Vec::new());
        Ok((reader.document, reader.problems))
    }

    /// The top-level directives of all files in their order of effect, includes left out.
    pub(crate) fn directives(&self) -> impl Iterator<Item = (usize, &Directive)> {
        self.order.iter().filter_map(|(file, index)| {
            Some((*file, self.files.get(*file)?.directives.get(*index)?))
        })
    }

    /// The main file's path.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        self.files.first().map_or(Path::new(""), |file| file.path.as_path())
    }

    /// The folder that relative paths in the settings start from.
    #[must_use]
    pub(crate) fn folder(&self) -> PathBuf {
        folder_of(self.path())
    }

    /// The texts of all files as they are now, by path.
    pub(crate) fn texts(&self) -> Overrides {
        self.files.iter().map(|file| (file.path.clone(), file.source.text.clone())).collect()
    }
}

struct Reader<'a> {
    texts: &'a Overrides,
    document: Document,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, text: String, stack: &mut Vec<PathBuf>) {
        let number = self.document.files.len();
        let parsed = grammar::parse(&text, &schema::is_word);
        for fault in parsed.faults {
            let place = Place { file: number, start: fault.span.start, end: fault.span.end };
            self.problems.push(Problem::error(place, fault.what, fault.expected));
        }
        let directives = parsed.directives;
        self.document.files.push(DocumentFile {
            path: path.to_owned(),
            source: SourceText::new(path.display().to_string(), text),
            directives: directives.clone(),
        });
        stack.push(identity(path));
        for (index, directive) in directives.iter().enumerate() {
            let row = schema::find(Scope::Top, &directive.word.text);
            if row.is_some_and(|row| row.kind == Kind::Include) {
                self.include(number, path, directive, stack);
            } else {
                self.document.order.push((number, index));
            }
        }
        stack.pop();
    }

    fn include(
        &mut self,
        file: usize,
        path: &Path,
        directive: &Directive,
        stack: &mut Vec<PathBuf>,
    ) {
        let head = directive.head();
        let place = Place { file, start: head.start, end: head.end };
        if directive.arguments.is_empty() || !directive.pairs.is_empty() {
            let expected = "`include PATTERN;`";
            self.problems.push(Problem::error(place, "`include` without a pattern", expected));
        }
        for pattern in &directive.arguments {
            let place = Place { file, start: pattern.span.start, end: pattern.span.end };
            for path in expand_pattern(&folder_of(path), &pattern.text) {
                if let Err((what, expected)) = self.included(&path, stack) {
                    self.problems.push(Problem::error(place, what, expected));
                }
            }
        }
    }

    fn included(
        &mut self,
        path: &Path,
        stack: &mut Vec<PathBuf>,
    ) -> Result<(), (String, &'static str)> {
        let shown = path.display();
        if stack.contains(&identity(path)) {
            return Err((format!("{shown} includes itself"), "no circle of includes"));
        }
        if self.document.files.iter().any(|file| identity(&file.path) == identity(path)) {
            return Err((format!("{shown} is included twice"), "each file once"));
        }
        if stack.len() >= INCLUDE_DEPTH_MAX || self.document.files.len() >= FILES_MAX {
            return Err((format!("{shown} is one include too many"), "8 levels, 1000 files"));
        }
        match read_text(path, self.texts) {
            Ok(text) => {
                self.file(path, text, stack);
                Ok(())
            }
            Err(error) => Err((format!("cannot read {shown}: {error}"), "a readable file")),
        }
    }
}

fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

pub(crate) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn read_text(path: &Path, texts: &Overrides) -> io::Result<String> {
    match texts.get(path) {
        Some(text) => Ok(text.clone()),
        None => read_bounded(path),
    }
}

/// Reads a text file of bounded size.
///
/// Errors: those of the file system; `InvalidData` for a file that is too large or no UTF-8.
pub(crate) fn read_bounded(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        let what = format!("larger than {FILE_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(good).filter(|b| **b == b'\n').count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is not UTF-8"))
    })
}

/// The files a pattern names, sorted. A pattern without wildcards is its own file; one with them
/// may name none. Hidden files need their dot written.
fn expand_pattern(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    if !pattern.contains(['*', '?']) {
        return vec![folder.join(pattern)];
    }
    let mut paths = vec![if pattern.starts_with('/') { PathBuf::from("/") } else { folder.into() }];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for path in &paths {
            if !part.contains(['*', '?']) {
                next.push(path.join(part));
                continue;
            }
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            next.extend(entries.filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let is_shown = !name.starts_with('.') || part.starts_with('.');
                (is_shown && matches(part.as_bytes(), name.as_bytes())).then(|| path.join(name))
            }));
        }
        paths = next;
    }
    paths.retain(|path| path.is_file());
    paths.sort();
    paths.truncate(FILES_MAX + 1);
    paths
}

/// `*` is any text, `?` one byte. Linear: goes back to the last `*` only.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == b'?' || name.get(n) == Some(c) => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        let yes = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        assert!(yes("*.conf", "a.conf"));
        assert!(yes("a?c*", "abc"));
        assert!(yes("*a*b", "xxaxxb"));
        assert!(!yes("*.conf", "a.conf~"));
        assert!(!yes("a?c", "ac"));
    }

    #[test]
    fn includes_are_read_sorted_in_place_and_circles_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("d")).unwrap();
        write("main.conf", "hostname a;\ninclude d/*.conf;\nhttp 1;\n");
        write("d/b.conf", "peer b;\n");
        write("d/a.conf", "peer a;\ninclude ../main.conf;\ninclude none.conf;\n");
        write("d/.c.conf", "peer c;\n");
        let path = folder.path().join("main.conf");
        let (document, problems) = Document::read(&path, &Overrides::new()).unwrap();
        let words: Vec<String> = document
            .directives()
            .map(|(_, d)| format!("{} {}", d.word.text, d.arguments[0].text))
            .collect();
        assert_eq!(words, ["hostname a", "peer a", "peer b", "http 1"]);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].what.contains("includes itself"));
        assert!(problems[1].what.contains("cannot read"));
        assert_eq!(problems[0].place.file, 1);
    }

    #[test]
    fn binary_files_are_refused_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.conf");
        fs::write(&path, b"http 1;\n\xff").unwrap();
        let error = Document::read(&path, &Overrides::new()).err().unwrap();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
