//! The two servers of the media rows, set up alike: RTMP in; RTMP, HLS and all else offered out.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::clip::Clip;
use super::players::{APP, Doors, STREAM};
use super::publisher::Publishers;
use crate::daemon;
use crate::plan::Plan;
use crate::process::{Program, free_ports};

/// Where Debian's libnginx-mod-rtmp puts it.
const NGINX_MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

/// A server that has the stream.
pub(crate) struct Server {
    /// Its process.
    pub(crate) program: Program,
    /// Where it is played.
    pub(crate) doors: Doors,
    publishers: Publishers,
}

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Ours.
    Watershed,
    /// nginx with libnginx-mod-rtmp.
    NginxRtmp,
}

impl Kind {
    /// As it is called in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Watershed => "watershed",
            Self::NginxRtmp => "nginx-rtmp",
        }
    }
}

impl Server {
    /// Starts it with one published stream.
    pub(crate) fn start(
        kind: Kind,
        plan: &Plan,
        folder: &Path,
        clip: &Arc<Clip>,
        settings: &str,
    ) -> io::Result<Self> {
        let names = vec![STREAM.to_owned()];
        let (program, doors) = match kind {
            Kind::Watershed => watershed(plan, folder, &names, settings)?,
            Kind::NginxRtmp => nginx_rtmp(folder)?,
        };
        let publishers = Publishers::start(doors.rtmp, APP, names, clip)?;
        Ok(Self { program, doors, publishers })
    }

    /// An error where the server or its publisher has ended.
    pub(crate) fn expect_running(&mut self) -> io::Result<()> {
        self.program.expect_running()?;
        self.publishers.expect_running()
    }
}

/// A daemon in which `names` may be published, in [`APP`].
pub(crate) fn watershed(
    plan: &Plan,
    folder: &Path,
    names: &[String],
    settings: &str,
) -> io::Result<(Program, Doors)> {
    let [rtmp, rtsp, http] = free_ports()?;
    let mut config = format!(
        "hostname bench;\nhttp 127.0.0.1:{http};\nrtsp 127.0.0.1:{rtsp};\nrtmp 127.0.0.1:{rtmp};\n\
         {settings}\n"
    );
    for name in names {
        let _ = writeln!(config, "stream {APP}/{name} {{ input publish://; }}");
    }
    let mut program = daemon::run(plan, &folder.join("media.conf"), &config)?;
    for port in [http, rtmp, rtsp] {
        program.wait_for_port(port)?;
    }
    let playlist = format!("/{APP}/{STREAM}/index.m3u8");
    Ok((program, Doors { rtmp, rtsp, http, playlist }))
}

/// One worker, because a stream lives in one; RTMP straight to players, HLS by sendfile from files
/// in the page cache.
fn nginx_rtmp(folder: &Path) -> io::Result<(Program, Doors)> {
    if !Path::new(NGINX_MODULE).exists() {
        let what = "nginx-rtmp is missing (package libnginx-mod-rtmp)";
        return Err(io::Error::other(what));
    }
    let [rtmp, http] = free_ports()?;
    let folder = folder.join("nginx-rtmp");
    fs::create_dir_all(folder.join("hls"))?;
    let place = folder.display();
    let config = format!(
        "load_module {NGINX_MODULE};
worker_processes 1; worker_rlimit_nofile 16384; daemon off; pid {place}/nginx.pid;
user root; error_log {place}/error.log;
events {{ worker_connections 8192; }}
rtmp {{ server {{ listen 127.0.0.1:{rtmp}; chunk_size 4096; application {APP} {{
  live on; hls on; hls_path {place}/hls; hls_fragment 4s; hls_playlist_length 16s;
}} }} }}
http {{
  access_log off; sendfile on; tcp_nopush on; server_tokens off; keepalive_requests 1000000;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;
  fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  server {{ listen 127.0.0.1:{http}; location /hls {{ alias {place}/hls; }} }}
}}
"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, config)?;
    let mut command = Command::new("nginx");
    command.arg("-e").arg(folder.join("error.log")).arg("-c").arg(&file);
    let mut program = Program::start("nginx", &mut command)?;
    program.wait_for_port(rtmp)?;
    let doors = Doors { rtmp, rtsp: 0, http, playlist: format!("/hls/{STREAM}.m3u8") };
    Ok((program, doors))
}
