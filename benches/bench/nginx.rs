//! nginx as the yardstick: a map of all paths with `return 302`.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::process::Program;

/// Starts nginx on `port`, redirecting each of `pairs` (path, location).
pub(crate) fn start(folder: &Path, port: u16, pairs: &[(String, String)]) -> io::Result<Program> {
    let mut map = String::new();
    for (path, location) in pairs {
        let _ = writeln!(map, "{path} {location};");
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
    let mut program = Program::start("nginx", Command::new("nginx").arg("-c").arg(&file))?;
    program.wait_for_port(port)?;
    Ok(program)
}
