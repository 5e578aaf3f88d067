//! Changes through the API's eyes: what is written, what is kept, what is refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{ChangeError, Edit, Environment, Loaded, SaveError, from_text, load};

const FILE: &str = "\
# head
http 8081;  # the door
cluster_key 0123456789abcdef;
edit_auth admin topsecret;

peer south;  # short
peer west { api_url http://west:1;   # odd   layout
   fetch_timeout 700; };
ondemand film file://film.mp4;
stream cam {
  input file://u;   # first
  input publish://;
  password hush;

  # tail
}
";

fn loaded(text: &str) -> Loaded {
    from_text(Path::new("/nowhere/a.conf"), text, &Environment::default()).unwrap()
}

fn put(collection: &str, name: &str, patch: Value) -> Edit {
    Edit::Put { collection: collection.into(), name: name.into(), patch }
}

fn text_of(loaded: &Loaded) -> String {
    loaded.document.texts().into_values().next().unwrap()
}

/// `FILE` after an edit.
fn after(edit: &Edit) -> String {
    text_of(&loaded(FILE).edited(edit).unwrap())
}

#[test]
fn item_without_a_block_gets_one_on_its_line() {
    let text = after(&put("peers", "south", json!({"fetch_timeout": 500})));
    assert_eq!(text, FILE.replace("peer south;", "peer south { fetch_timeout 500; }"));
}

#[test]
fn value_is_changed_where_it_stands() {
    let text = after(&put("peers", "west", json!({"fetch_timeout": 500, "hostname": "west"})));
    assert_eq!(text, FILE.replace("700", "500"));
    let text = after(&put("streams", "cam", json!({"password": "x y", "title": "T"})));
    let expected = FILE.replace("hush", "\"x y\"").replace("  # tail\n", "  # tail\n  title T;\n");
    assert_eq!(text, expected);
}

#[test]
fn null_removes_a_field_and_reset_all_others() {
    let text = after(&put("peers", "west", json!({"fetch_timeout": null})));
    assert_eq!(text, FILE.replace("   fetch_timeout 700; };", "   };"));
    let patch = json!({"$reset": true, "inputs": [{"url": "publish://"}]});
    let text = after(&put("streams", "cam", patch));
    let expected = FILE.replace("  password hush;\n", "").replace("  input file://u;", "  ");
    assert_eq!(text, expected.replace("     # first", "  # first"));
}

#[test]
fn new_items_go_to_the_end_of_the_main_file() {
    let patch = json!({"api_url": "http://10.0.0.9:1", "unknown": [1]});
    let text = after(&put("peers", "east", patch));
    assert_eq!(text, format!("{FILE}peer east {{ api_url http://10.0.0.9:1; }}\n"));
    let text = text_of(&loaded("http 1;").edited(&put("streams", "a/b", json!({}))).unwrap());
    assert_eq!(text, "http 1;\nstream a/b;\n");
}

#[test]
fn inputs_are_replaced_as_a_list_and_the_kept_ones_stay_untouched() {
    let inputs = json!([{"url": "publish://"}, {"url": "udp://239.0.0.1:5000", "priority": 3}]);
    let text = after(&put("streams", "cam", json!({"inputs": inputs})));
    assert!(!text.contains("file://u;"), "{text}");
    assert!(text.contains("  input publish://;\n  password hush;\n"), "{text}");
    assert!(text.contains("  # tail\n  input udp://239.0.0.1:5000 { priority 3; }\n}"), "{text}");
    let inputs = json!([{"url": "publish://"}, {"url": "file://u"}]);
    let next = loaded(FILE).edited(&put("streams", "cam", json!({"inputs": inputs}))).unwrap();
    assert_eq!(next.settings.streams[1].inputs[1].url.reveal(), "file://u");
}

#[test]
fn older_directive_becomes_the_full_form_when_it_is_edited() {
    let text = after(&put("streams", "film", json!({"title": "Film"})));
    let full = "stream film { title Film; input file://film.mp4; static off; }";
    assert_eq!(text, FILE.replace("ondemand film file://film.mp4;", full));
    let delete = Edit::Delete { collection: "streams".into(), name: "film".into() };
    assert_eq!(after(&delete), FILE.replace("ondemand film file://film.mp4;\n", ""));
}

#[test]
fn deleted_item_takes_its_line_and_leaves_foreign_comments() {
    let delete = |name: &str| Edit::Delete { collection: "peers".into(), name: name.into() };
    assert_eq!(after(&delete("south")), FILE.replace("peer south;  # short", "# short"));
    let start = FILE.find("peer west").unwrap();
    let end = FILE.find("ondemand").unwrap();
    assert_eq!(after(&delete("west")), FILE.replace(&FILE[start..end], ""));
    let gone = loaded(FILE).edited(&delete("none"));
    assert!(matches!(gone, Err(ChangeError::NotFound { .. })));
}

#[test]
fn secrets_are_hidden_and_a_written_hidden_one_keeps_the_stored() {
    let loaded = loaded(&FILE.replace("file://u", "file://u?token=qqq"));
    let shown = format!("{} {} {}", loaded.json(true), loaded.json(false), loaded.text());
    let debug = format!("{:?}", loaded.settings);
    for secret in ["hush", "0123456789abcdef", "topsecret", "qqq"] {
        assert!(!shown.contains(secret) && !debug.contains(secret), "{secret}");
    }
    for patch in [loaded.json(false), loaded.json(true)] {
        let next = loaded.edited(&Edit::Config { patch }).unwrap();
        let stream = &next.settings.streams[1];
        assert_eq!(stream.password.as_ref().unwrap().reveal(), "hush");
        assert_eq!(stream.inputs[0].url.reveal(), "file://u?token=qqq");
        assert_eq!(next.settings.edit_auth.as_ref().unwrap().password.reveal(), "topsecret");
    }
    let unchanged = loaded.edited(&Edit::Config { patch: loaded.json(false) }).unwrap();
    assert_eq!(text_of(&unchanged), text_of(&loaded));
    let edited = loaded.text().replace("700", "800");
    let next = loaded.edited(&Edit::Text { text: edited }).unwrap();
    assert_eq!(text_of(&next), text_of(&loaded).replace("700", "800"));
    let nothing = put("peers", "south", json!({"cluster_key": "***"}));
    let refused = loaded.edited(&nothing);
    assert!(
        matches!(refused, Err(ChangeError::UnknownSecret { pointer }) if pointer == "/cluster_key")
    );
}

#[test]
fn commented_out_secrets_are_hidden_and_kept_too() {
    let text = "http 1;\r\n# cluster_key oldsecret;\n\
                \x20 #stream a { input file://u?token=qqq; }\n\
                # the password is elsewhere\n#  password pw; # x\n\
                #ondemand a file://u?token=qqq;\n\
                rtsp 554; # cluster_key oldsecret # password pw;\n\
                # peer b { cluster_key oldsecret; api_url \"x\n\
                # once it was (rtsp://u:pw@10.0.0.9/1), \"now\" it is gone\n";
    let loaded = loaded(text);
    let shown = "http 1;\r\n# cluster_key ***;\n\
                 \x20 #stream a { input file://u?token=***; }\n\
                 # the password is elsewhere\n#  password ***; # x\n\
                 #ondemand a file://u?token=***;\n\
                 rtsp 554; # cluster_key *** # password ***;\n\
                 # peer b { cluster_key ***; api_url \"x\n\
                 # once it was (rtsp://u:***@10.0.0.9/1), \"now\" it is gone\n";
    assert_eq!(loaded.text(), shown);
    let edited = shown.replace("http 1", "http 2");
    let next = loaded.edited(&Edit::Text { text: edited }).unwrap();
    assert_eq!(text_of(&next), text.replace("http 1", "http 2"));
}

#[test]
fn wrong_types_are_named_by_their_pointer() {
    let cases = [
        (json!({"fetch_timeout": "500"}), "/fetch_timeout"),
        (json!({"cpu_limit": 101}), "/cpu_limit"),
        (json!({"hostname": "other"}), "/hostname"),
        (json!({"$reset": "yes"}), "/$reset"),
        (json!({"public_payload_url": "a\nb"}), "/public_payload_url"),
        (json!([]), ""),
    ];
    for (patch, expected) in cases {
        match loaded(FILE).edited(&put("peers", "south", patch.clone())) {
            Err(ChangeError::WrongType { pointer, .. }) => assert_eq!(pointer, expected),
            other => panic!("{patch}: {other:?}"),
        }
    }
    let patch = json!({"inputs": [{"url": "publish://", "priority": "x"}]});
    let error = loaded(FILE).edited(&put("streams", "cam", patch)).unwrap_err();
    assert!(error.to_string().starts_with("/inputs/0/priority: "), "{error}");
    let error = loaded(FILE).edited(&put("horses", "a", json!({}))).unwrap_err();
    assert!(matches!(error, ChangeError::UnknownCollection(_)));
}

#[test]
fn invalid_result_is_refused_with_its_place() {
    let edit = put("peers", "west", json!({"stale_timeout": 900}));
    let Err(ChangeError::Rejected(rejected)) = loaded(FILE).edited(&edit) else { panic!() };
    assert_eq!(rejected.diagnostics[0].line, 8);
    for (collection, name, patch) in [
        ("streams", "a/../b", json!({})),
        ("streams", "x", json!({"inputs": [{"url": "rtsps://h/1"}]})),
        ("vods", "v", json!({"storages": [{"url": "v"}], "on_play": "http://h/"})),
        ("vods", "v", json!({"storages": []})),
        ("vods", ".", json!({"storages": [{"url": "v"}]})),
        ("peers", "a b", json!({})),
    ] {
        let refused = loaded(FILE).edited(&put(collection, name, patch));
        assert!(matches!(refused, Err(ChangeError::Rejected(_))), "{name}: {refused:?}");
    }
}

#[test]
fn whole_configuration_is_merged_and_items_can_be_deleted() {
    let patch = json!({
        "listeners": {"http": [{"port": 8081, "api": false}, {"port": 9000, "address": "::1"}]},
        "limits": {"connections": 5000},
        "peers": [{"hostname": "south", "$delete": true}, {"hostname": "east"}],
        "edit_auth": null,
    });
    let text = after(&Edit::Config { patch });
    let expected = FILE
        .replace("http 8081;", "http 8081 { api off; }")
        .replace("edit_auth admin topsecret;\n", "")
        .replace("peer south;  # short", "# short");
    let added = "http [::1]:9000;\nlimits { connections 5000; }\npeer east;\n";
    assert_eq!(text, format!("{expected}{added}"));
}

#[test]
fn options_on_the_line_are_edited_there() {
    let file =
        "http 1;\ncluster_key 0123456789abcdef;\npeer a fetch_timeout=700 cpu_limit=9; # x\n";
    let edited = |patch: Value| text_of(&loaded(file).edited(&put("peers", "a", patch)).unwrap());
    assert_eq!(edited(json!({"fetch_timeout": 800})), file.replace("700", "800"));
    assert_eq!(edited(json!({"fetch_timeout": null})), file.replace(" fetch_timeout=700", ""));
    let added = file.replace("=9;", "=9 { channel_limit 5; }");
    assert_eq!(edited(json!({"channel_limit": 5})), added);
}

#[test]
fn repeated_list_becomes_one_directive() {
    let text = "http 1;\nrtsp_redirect_agents A B; # 1\nrtsp_redirect_agents C; # 2\n";
    let patch = json!({"rtsp_redirect_agents": ["X", "Live 555"]});
    let next = loaded(text).edited(&Edit::Config { patch }).unwrap();
    assert_eq!(text_of(&next), "http 1;\nrtsp_redirect_agents X \"Live 555\"; # 1\n# 2\n");
}

#[test]
fn change_that_cannot_be_saved_changes_nothing() {
    let (_folder, path) = folder(&[("a.conf", FILE)]);
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    let loaded = load(&path, &Environment::default()).unwrap();
    let refused = loaded.apply(&put("peers", "south", json!({"fetch_timeout": 500})));
    assert!(matches!(refused, Err(ChangeError::Save(SaveError::ConfigReadOnly { .. }))));
    assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
}

#[test]
fn line_ends_of_the_file_are_kept() {
    let text = "http 1;\r\nstream a {\r\n\ttitle x;\r\n}\r\n";
    let next = loaded(text).edited(&put("streams", "a", json!({"static": false}))).unwrap();
    assert_eq!(text_of(&next), text.replace("x;\r\n", "x;\r\n\tstatic off;\r\n"));
}

fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let path = folder.path().join(files[0].0);
    (folder, path)
}

#[test]
fn item_of_an_included_file_is_written_back_there() {
    let (folder, path) = folder(&[
        ("a.conf", "http 1;\ninclude b*.conf;\n".trim_start()),
        ("b.conf", "stream b; # there\n"),
    ]);
    let loaded = load(&path, &Environment::default()).unwrap();
    let next = loaded.apply(&put("streams", "b", json!({"title": "B"}))).unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("b.conf"), "stream b { title B; } # there\n");
    let next = next.apply(&put("streams", "c", json!({}))).unwrap();
    assert_eq!(read("a.conf"), "http 1;\ninclude b*.conf;\nstream c;\n");
    assert_eq!(next.reload().unwrap().settings, next.settings);
}

#[test]
fn environment_wins_and_its_fields_cannot_be_edited() {
    let (folder, path) =
        folder(&[("a.conf", "http 1;\nhostname file;\n"), ("key", "0123456789abcdefg\n")]);
    let key = folder.path().join("key").display().to_string();
    let variables = [
        ("WATERSHED_HTTP", "8081, 127.0.0.1:8082"),
        ("WATERSHED_EDIT_AUTH", "admin:pass:word"),
        ("WATERSHED_CLUSTER_KEY_FILE", &key),
        ("WATERSHED_HOSTNAME", "north"),
        ("WATERSHED_HTPP", "1"),
        ("WATERSHED_LOG", "debug"),
    ];
    let environment =
        Environment::of(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let loaded = load(&path, &environment).unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.hostname.as_deref(), Some("north"));
    assert_eq!(settings.listeners.http[1].socket_addr(), "127.0.0.1:8082".parse().unwrap());
    assert_eq!(settings.listeners.http.len(), 2);
    assert_eq!(settings.edit_auth.as_ref().unwrap().password.reveal(), "pass:word");
    assert_eq!(settings.cluster_key.as_ref().unwrap().reveal(), "0123456789abcdefg");
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    let refused = loaded.apply(&Edit::Config { patch: json!({"hostname": "x"}) });
    assert!(matches!(refused, Err(ChangeError::SetByEnvironment { field }) if field == "hostname"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "http 1;\nhostname file;\n");
}

#[test]
fn wrong_variable_is_an_error_that_names_it() {
    let environment = Environment::of([("WATERSHED_HTTP".to_owned(), "x".to_owned())]);
    let error = from_text(Path::new("a.conf"), "http 1;", &environment).unwrap_err();
    let shown = error.diagnostics[0].to_string();
    assert!(shown.starts_with("environment WATERSHED_HTTP:1:6: "), "{shown}");
}
