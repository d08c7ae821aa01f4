// A test in Rust, with the standard library alone: the first line on standard output says where the device is.
use std::env;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

struct Server {
    child: Child,
    uri: String,
}

impl Server {
    fn start(words: &str) -> Server {
        let program = env::var("TNULL").unwrap_or("tnull".to_string());
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec {program} --exit-with-parent --log-level error --no-control -U - {words}")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).expect("a line");
        let uri = line.split(' ').next().unwrap().to_string();
        Server { child, uri }
    }

    fn socket(&self) -> &str {
        self.uri.split("socket=").nth(1).expect("a unix socket")
    }
}

impl Drop for Server {
    // SIGTERM, which removes the socket; Child::kill would leave it.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn main() {
    let server = Server::start("size=1 memory_backed=1");
    let mut client = UnixStream::connect(server.socket()).expect("a connection");
    let mut magic = [0; 8];
    client.read_exact(&mut magic).expect("a greeting");
    println!("{}: {}", server.uri.split('?').next().unwrap(), String::from_utf8_lossy(&magic));
}
