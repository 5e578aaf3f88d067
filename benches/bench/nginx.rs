//! nginx as the yardstick: a map of all paths with `return 302`, and nothing that costs without
//! need: no access log, as many workers as cores, a listening socket for each.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::process::{Program, free_ports};
use super::redirect_check::Redirect;

/// A mark as the daemon adds it, so that both send as many bytes.
const MARK: &str = "_via=01234567.1700000000";

/// A running nginx.
pub(crate) struct Nginx {
    /// Its processes.
    pub(crate) program: Program,
    /// Where it listens.
    pub(crate) port: u16,
}

/// Starts nginx with all `redirects`.
pub(crate) fn start(folder: &Path, redirects: &[Redirect]) -> io::Result<Nginx> {
    let [port] = free_ports()?;
    let mut map = String::new();
    for Redirect { path, target } in redirects {
        let _ = writeln!(map, "{path} {target}?{MARK};");
    }
    fs::write(folder.join("map.conf"), map)?;
    let folder_name = folder.display();
    let config = format!(
        "worker_processes auto; daemon off; pid {folder_name}/nginx.pid;
error_log {folder_name}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; server_tokens off;
  client_body_temp_path {folder_name}/body; proxy_temp_path {folder_name}/proxy;
  fastcgi_temp_path {folder_name}/fastcgi; uwsgi_temp_path {folder_name}/uwsgi;
  scgi_temp_path {folder_name}/scgi;
  map_hash_max_size 262144; map_hash_bucket_size 256;
  map $uri $target {{ include {folder_name}/map.conf; }}
  server {{ listen 127.0.0.1:{port} reuseport; if ($target) {{ return 302 $target; }} return 404; }}
}}
"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, config)?;
    let mut command = Command::new("nginx");
    command.arg("-e").arg(folder.join("error.log")).arg("-c").arg(&file);
    let mut program = Program::start("nginx", &mut command)
        .map_err(|error| io::Error::other(format!("{error} (package nginx-light)")))?;
    program.wait_for_port(port)?;
    Ok(Nginx { program, port })
}
