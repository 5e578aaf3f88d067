//! Targets and locations by table.

use super::*;

fn addresses(api_url: &str, public: Option<&str>) -> PeerAddresses {
    PeerAddresses {
        api_url: api_url.parse().unwrap(),
        public_payload_url: public.map(str::to_owned),
        private_payload_url: None,
        public_rtsp_url: None,
        public_rtmp_url: None,
    }
}

fn listener(scheme: Scheme, port: u16) -> Listener {
    Listener { scheme, port }
}

const MARK: ViaMark = ViaMark::new(0x0123_abcd, 1_700_000_000);
const MARKED: &str = "_via=0123abcd.1700000000";

#[test]
fn payload_addresses_are_completed_from_the_api_url() {
    let api = "http://user:secret@10.0.0.2:8081/ignored?q#f";
    let cases = [
        (api, None, "http://10.0.0.2:8081/ignored"),
        (api, Some("south.example.com"), "http://south.example.com:8081"),
        (api, Some("south.example.com:80"), "http://south.example.com"),
        (api, Some("south.example.com:9000/cdn/"), "http://south.example.com:9000/cdn"),
        (api, Some("https://south.example.com"), "https://south.example.com"),
        (api, Some("[2001:db8::1]"), "http://[2001:db8::1]:8081"),
        (api, Some("[2001:db8::1]:90"), "http://[2001:db8::1]:90"),
        ("https://a", Some("b"), "https://b"),
        ("https://a", Some("b:80"), "https://b:80"),
    ];
    for (api_url, public, wanted) in cases {
        let targets = addresses(api_url, public).targets(&[]).unwrap();
        assert_eq!(targets.http_base(), wanted, "{api_url} {public:?}");
    }
}

#[test]
fn unusable_addresses_say_why() {
    let words = |public| addresses("http://a", Some(public)).targets(&[]).unwrap_err().to_string();
    assert!(words("ftp://b").contains("has the scheme ftp, wanted http"));
    assert!(words("http://u:p@b").contains("a user, a query or a fragment"));
    assert!(!words("http://u:p@b").contains("u:p"));
    assert!(words("b c").contains("is no address"));
    assert!(words("").contains("is no address"));
}

#[test]
fn doors_follow_the_reported_listeners() {
    use Scheme::{Http, Https, Rtmp, Rtmps, Rtsp, Rtsps};
    let all = [listener(Rtsp, 8554), listener(Rtsps, 8322), listener(Rtmp, 1935)];
    let plain = addresses("http://a:81", None).targets(&all).unwrap();
    assert_eq!(plain.rtsp_base(), Some("rtsp://a:8554"));
    assert_eq!(plain.rtmp_base(), Some("rtmp://a:1935"));
    assert_eq!(plain.protocols(), Protocol::Rtsp.bit() | Protocol::Rtmp.bit());
    let tls = addresses("http://a:81", Some("https://b/x")).targets(&all).unwrap();
    assert_eq!(tls.rtsp_base(), Some("rtsps://b:8322"));
    assert_eq!(tls.rtmp_base(), Some("rtmp://b:1935"));
    let tls_only = [listener(Rtmps, 443), listener(Http, 80), listener(Https, 443)];
    let no_door = addresses("http://a", None).targets(&tls_only).unwrap();
    assert_eq!((no_door.rtmp_base(), no_door.rtsp_base()), (None, None));
    assert_ne!(no_door.protocols() & Protocol::Hls.bit(), 0);
}

#[test]
fn configured_doors_stand_as_written() {
    let mut config = addresses("http://a", Some("https://b"));
    let reported = [listener(Scheme::Rtsp, 8554), listener(Scheme::Rtmps, 1936)];
    for (text, wanted) in [
        ("rtsps://door:322", "rtsps://door:322"),
        ("door:9", "rtsp://door:9"),
        ("door", "rtsp://door:8554"),
    ] {
        config.public_rtsp_url = Some(text.to_owned());
        let targets = config.targets(&reported).unwrap();
        assert_eq!(targets.rtsp_base(), Some(wanted), "{text}");
    }
    config.public_rtmp_url = Some("edge/live".to_owned());
    assert_eq!(config.targets(&reported).unwrap().rtmp_base(), Some("rtmps://edge:1936/live"));
    assert_eq!(config.targets(&[]).unwrap().rtmp_base(), Some("rtmp://edge/live"));
    config.public_rtmp_url = Some("http://edge".to_owned());
    assert!(config.targets(&[]).is_err());
}

#[test]
fn locations_keep_path_and_query_and_end_in_the_mark() {
    let targets = addresses("http://a:81", Some("cdn/p")).targets(&[]).unwrap();
    let cases = [
        ("/cam1/index.m3u8", None, "/cam1/index.m3u8?"),
        ("/cam1/index.m3u8", Some(""), "/cam1/index.m3u8?"),
        ("/c%20m/x", Some("token=a%26b&x"), "/c%20m/x?token=a%26b&x&"),
        ("/a", Some("_via=00000000.1&token=t"), "/a?token=t&"),
        ("/a", Some("t=1&_via=0.1&u=2&_via=zz"), "/a?t=1&u=2&"),
        ("//evil.example", Some("my_via=1"), "//evil.example?my_via=1&"),
    ];
    for (path, query, wanted) in cases {
        let location = targets.http_location(path, query, MARK).unwrap();
        assert_eq!(location, format!("http://cdn:81/p{wanted}{MARKED}"));
    }
}

#[test]
fn bytes_that_break_a_header_line_are_refused() {
    let targets = addresses("http://a", None).targets(&[]).unwrap();
    for path in ["", "cam1", "@evil", "/a\r\nX: y", "/a b", "/ä", "/a#b", "/a\0", "/a?b"] {
        assert_eq!(targets.http_location(path, None, MARK), Err(UnsafeRequest), "{path:?}");
    }
    let mut out = b"kept".to_vec();
    let refused = targets.write_http_location(&mut out, "/a", Some("t=\n"), MARK);
    assert_eq!((refused, out.as_slice()), (Err(UnsafeRequest), &b"kept"[..]));
}

#[test]
fn rtmp_targets_are_connect_and_full_url() {
    let targets = addresses("http://a", None).targets(&[listener(Scheme::Rtmp, 1941)]).unwrap();
    let target = targets.rtmp_target("static", "cam1", Some("token=t"), MARK).unwrap().unwrap();
    assert_eq!(target.tc_url, format!("rtmp://a:1941/static?token=t&{MARKED}"));
    assert_eq!(target.full_url, format!("rtmp://a:1941/static/cam1?token=t&{MARKED}"));
    let connect = targets.rtmp_target("cam1/", "", None, MARK).unwrap().unwrap();
    assert_eq!(connect.full_url, format!("rtmp://a:1941/cam1?{MARKED}"));
    assert_eq!(targets.rtsp_location("/cam1", None, MARK), Ok(None));
}
